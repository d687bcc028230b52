"""The pages: rendered here, for people with a browser."""

from flask import Blueprint, Flask
from flask_bootstrap import Bootstrap5

from portal_service.domain.session import SESSION_LIFETIME
from portal_service.web.pages import (
    acts,
    audit,
    break_glass,
    decision,
    grants,
    policy_document,
    policy_trial,
    queue,
    requests,
    session,
    settings,
    usage,
)
from portal_service.web.shell import admission, errors, layout

PARTS = (
    session,
    queue,
    requests,
    decision,
    acts,
    grants,
    usage,
    break_glass,
    settings,
    policy_document,
    policy_trial,
    audit,
)


def register(app: Flask, *, secure: bool) -> None:
    """Add the pages; forms count for as long as a session does."""
    app.config.update(
        BOOTSTRAP_SERVE_LOCAL=True,
        SESSION_COOKIE_SECURE=secure,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=int(SESSION_LIFETIME.total_seconds()),
    )
    Bootstrap5(app)
    admission.csrf.init_app(app)
    layout.register(app)
    pages = Blueprint("pages", __name__)
    pages.before_request(admission.let_in)
    pages.after_request(admission.keep_out_of_caches)
    errors.register(pages)
    for part in PARTS:
        pages.register_blueprint(part.blueprint)
    app.register_blueprint(pages)
