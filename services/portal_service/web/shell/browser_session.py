"""The session of a browser, known by a cookie. The API never reads it; the pages read nothing else.

Every form carries a token against forgery, which is bound to the browser by the cookie `lockbox_form`.
"""

import re

import flask
from flask import current_app, flash, g, redirect, request, session, url_for
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from portal_service.domain.session import Unauthenticated
from portal_service.edge import edge
from portal_service.web.shell import known_browser

WITHOUT_SIGN_IN = frozenset({"pages.session.show_sign_in", "pages.session.sign_in", "pages.help.show_guide"})
LOCAL = re.compile(r"/(?!/)[^\\\x00-\x20\x7f]*\Z")

csrf = CSRFProtect()


def cookie_name() -> str:
    """Return the name of the cookie that holds the token of a session."""
    return str(current_app.config["SIGN_IN_COOKIE_NAME"])


def session_token() -> str | None:
    """Return the token of the browser's session, or None."""
    return request.cookies.get(cookie_name())


def require_sign_in() -> None:
    """Identify the person, and check the form's token; raises `Unauthenticated` or `CSRFError`."""
    if request.endpoint not in WITHOUT_SIGN_IN:
        identify()
    elif request.endpoint == "pages.help.show_guide":
        signed_in()
    csrf.protect()


def identify() -> None:
    """Note the account of the session that the cookie names; raises `Unauthenticated`."""
    token = session_token()
    if not token:
        raise Unauthenticated("token_missing", "sign in first")
    g.identity = edge().identify(token)


def signed_in() -> bool:
    """Tell whether the cookie names a session, and note its account."""
    try:
        identify()
    except Unauthenticated:
        return False
    return True


def begin(token: str, email: str) -> Response:
    """Begin a session and redirect to the page that was asked for; forms from before the sign-in are refused."""
    session.clear()
    response = redirect(destination(), 303)
    response.set_cookie(
        cookie_name(), token, secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True, samesite="Lax"
    )
    known_browser.remember(response, email)
    return response


def end() -> Response:
    """End the session and redirect to the sign-in page."""
    session.clear()
    flash("You have signed out.", "good")
    return _forget(redirect(url_for("pages.session.show_sign_in"), 303))


def ask_to_sign_in(_error: Unauthenticated) -> Response:
    """Redirect to the sign-in page, and from there back."""
    if session_token() is not None:
        flash("Your session has ended. Sign in to go on.", "waiting")
    return _forget(redirect(url_for("pages.session.show_sign_in", next=requested_path()), 303))


def destination() -> str:
    """Return the page that was asked for before signing in, if it is one of this portal; else the queue."""
    path = request.args.get("next", "")
    return path if LOCAL.match(path) else url_for("pages.queue.show_queue")


def requested_path() -> str:
    """Return the page that this web request is for: that of a form is the address that it is sent to, if it has one."""
    if request.method in {"GET", "HEAD"}:
        return request.full_path.rstrip("?")
    return "/" if request.endpoint == "pages.session.sign_out" else request.path


def forbid_caching(response: flask.Response) -> flask.Response:
    """Forbid caches to keep a page: it is for one person at one moment."""
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _forget(response: Response) -> Response:
    response.delete_cookie(
        cookie_name(), secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True, samesite="Lax"
    )
    return response
