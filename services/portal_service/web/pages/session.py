"""The pages to sign in and to sign out."""

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue

from lockbox.contracts import wire
from lockbox.errors import Invalid, TooMany, Unavailable
from portal_service.domain.session import Unauthenticated
from portal_service.edge import edge
from portal_service.http_status import status_of
from portal_service.usecases import Credentials
from portal_service.web.shell import browser_session, known_browser
from portal_service.web.shell.forms import Form

blueprint = Blueprint("session", __name__)


@blueprint.get("/sign-in")
def show_sign_in() -> ResponseReturnValue:
    """Show the form; a signed-in person is redirected."""
    return redirect(browser_session.destination()) if browser_session.signed_in() else _page(Form.fresh())


@blueprint.post("/sign-in")
def sign_in() -> ResponseReturnValue:
    """Sign in and go on to the page that was asked for."""
    form = Form.sent()
    try:
        credentials = _credentials(form)
        browser = known_browser.browser_id(credentials.email)
        token = edge().sign_in(credentials.email, credentials.password, browser)
        return browser_session.begin(token, credentials.email)
    except (Invalid, Unauthenticated, TooMany, Unavailable) as error:
        return _page(form.refused(error)), status_of(error)


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End the session."""
    edge().sign_out(browser_session.session_token() or "")
    return browser_session.end()


def _credentials(form: Form) -> Credentials:
    return wire.decode(Credentials, {"email": form.text("email"), "password": form.typed.get("password", "")})


def _page(form: Form) -> str:
    return render_template("sign_in.html", form=form)
