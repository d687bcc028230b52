"""The browser in which a person was signed in before, known by the signed cookie `lockbox_known`.

It signs nobody in. A sign-in from such a browser is counted by itself, so that a stranger's attempts do not slow it.
"""

from collections.abc import Mapping
from typing import Any

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from lockbox.ids import new_id

KNOWN_FOR_SECONDS = 180 * 24 * 3600


def browser_id(email: str) -> str | None:
    """Return the id of this browser if the person of this address was signed in here, else None."""
    try:
        known = _signer().loads(request.cookies.get(_name(), ""), max_age=KNOWN_FOR_SECONDS)
    except BadSignature:
        return None
    return str(known["browser"]) if known["email"] == email else None


def is_known(config: Mapping[str, Any], cookies: Mapping[str, str]) -> bool:
    """Return whether a person was signed in at this browser, whoever it was."""
    try:
        _signer_of(config).loads(cookies.get(str(config["KNOWN_COOKIE_NAME"]), ""), max_age=KNOWN_FOR_SECONDS)
    except BadSignature:
        return False
    return True


def remember(response: Response, email: str) -> None:
    """Let the browser be known for this address."""
    known = {"email": email, "browser": browser_id(email) or new_id()}
    response.set_cookie(
        _name(),
        _signer().dumps(known),
        max_age=KNOWN_FOR_SECONDS,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )


def _name() -> str:
    return str(current_app.config["KNOWN_COOKIE_NAME"])


def _signer() -> URLSafeTimedSerializer:
    return _signer_of(current_app.config)


def _signer_of(config: Mapping[str, Any]) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(config["SECRET_KEY"]), salt="lockbox_known")
