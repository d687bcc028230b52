"""The web application's pages, rendered here for people with a browser."""

from flask import Blueprint, Flask
from flask_bootstrap import Bootstrap5

from portal_service.domain.session import SESSION_LIFETIME
from portal_service.web.pages import (
    audit,
    break_glass,
    decision,
    grants,
    help,
    policy,
    policy_document,
    policy_trial,
    queue,
    request_operations,
    requests,
    session,
    usage,
)
from portal_service.web.shell import browser_session, errors, layout

PARTS = (
    session,
    queue,
    requests,
    decision,
    request_operations,
    grants,
    usage,
    break_glass,
    policy,
    policy_document,
    policy_trial,
    audit,
    help,
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
    browser_session.csrf.init_app(app)
    layout.register(app)
    pages = Blueprint("pages", __name__)
    pages.before_request(browser_session.require_sign_in)
    pages.after_request(browser_session.forbid_caching)
    errors.register(pages)
    for part in PARTS:
        pages.register_blueprint(part.blueprint)
    app.register_blueprint(pages)
