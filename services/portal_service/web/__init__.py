"""The pages: rendered here, for people with a browser."""

from flask import Blueprint, Flask
from flask_bootstrap import Bootstrap5

from portal_service.domain.session import SESSION_LIFETIME
from portal_service.web import (
    acting,
    audit,
    break_glass,
    deciding,
    documents,
    entry,
    errors,
    grants,
    layout,
    queue,
    requests,
    session,
    settings,
    trying,
    usage,
)

PARTS = (session, queue, requests, deciding, acting, grants, usage, break_glass, settings, documents, trying, audit)


def register(app: Flask, *, secure: bool) -> None:
    """Add the pages; forms count for as long as a session does."""
    app.config.update(
        BOOTSTRAP_SERVE_LOCAL=True,
        SESSION_COOKIE_SECURE=secure,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=int(SESSION_LIFETIME.total_seconds()),
    )
    Bootstrap5(app)
    entry.csrf.init_app(app)
    layout.register(app)
    pages = Blueprint("pages", __name__)
    pages.before_request(entry.let_in)
    pages.after_request(entry.keep_out_of_caches)
    errors.register(pages)
    for part in PARTS:
        pages.register_blueprint(part.blueprint)
    app.register_blueprint(pages)
