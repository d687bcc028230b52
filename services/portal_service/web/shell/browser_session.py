"""Who is let in to a page: whoever the session cookie knows. The API never looks at it, the pages at nothing else.

Every form carries a token against forgery, which is bound to the browser by the cookie `lockbox_form`.
"""

import re

import flask
from flask import current_app, flash, g, redirect, request, session, url_for
from flask_wtf.csrf import CSRFProtect
from werkzeug.wrappers import Response

from portal_service.domain.session import Unauthenticated
from portal_service.edge import edge

OPEN = frozenset({"pages.session.show_sign_in", "pages.session.sign_in"})
LOCAL = re.compile(r"/(?!/)[^\\\x00-\x20\x7f]*\Z")

csrf = CSRFProtect()


def cookie_name() -> str:
    """Return the name of the cookie that holds the token of a session."""
    return str(current_app.config["SIGN_IN_COOKIE_NAME"])


def session_token() -> str | None:
    """Return the token of the browser's session, or None."""
    return request.cookies.get(cookie_name())


def let_in() -> None:
    """Let through who is signed in, and of the forms those that were made here."""
    if request.endpoint not in OPEN:
        identify()
    csrf.protect()


def identify() -> None:
    """Find out whose session the cookie names; raises `Unauthenticated`."""
    token = session_token()
    if not token:
        raise Unauthenticated("token_missing", "sign in first")
    g.identity = edge().identify(token)


def known() -> bool:
    """Whether somebody is signed in."""
    try:
        identify()
    except Unauthenticated:
        return False
    return True


def admit(token: str) -> Response:
    """Go on to the page that was asked for, signed in; forms from before do not count any more."""
    session.clear()
    response = redirect(destination(), 303)
    response.set_cookie(
        cookie_name(), token, secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True, samesite="Lax"
    )
    return response


def dismiss() -> Response:
    """Go to the sign-in page, signed out."""
    session.clear()
    flash("You have signed out.", "good")
    return _forget(redirect(url_for("pages.session.show_sign_in"), 303))


def ask_to_sign_in(_error: Unauthenticated) -> Response:
    """Go to the sign-in page, and from there back."""
    if session_token() is not None:
        flash("Your session has ended. Sign in to go on.", "waiting")
    return _forget(redirect(url_for("pages.session.show_sign_in", next=wanted()), 303))


def destination() -> str:
    """The page that was asked for before signing in: one of this portal, whatever the address says."""
    wanted = request.args.get("next", "")
    return wanted if LOCAL.match(wanted) else url_for("pages.queue.show_queue")


def wanted() -> str:
    """The page that this web request is for: a form is sent to the address that shows it, unless there is none."""
    if request.method in {"GET", "HEAD"}:
        return request.full_path.rstrip("?")
    return "/" if request.endpoint == "pages.session.sign_out" else request.path


def keep_out_of_caches(response: flask.Response) -> flask.Response:
    """What a page shows is for one person at one moment."""
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _forget(response: Response) -> Response:
    response.delete_cookie(
        cookie_name(), secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True, samesite="Lax"
    )
    return response
