"""Signed tokens: JWTs (RFC 7519) with EdDSA (RFC 8037), each of an explicit type (RFC 8725, section 3.11).

The caller passes `now`, so that verification has no clock of its own.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import jwt

from lockbox.crypto.keys import PublicKeys, SigningKey
from lockbox.errors import Forbidden

LONGEST = 16_384


@dataclass(frozen=True)
class TokenKind:
    """What a token is for; a token of another kind never passes as this one. `typ` is its header, after RFC 8725."""

    typ: str
    issuer: str
    audience: str


GRANT_TOKEN = TokenKind(typ="lockbox-grant+jwt", issuer="approval_service", audience="lockbox-enforcement-point")


def sign(kind: TokenKind, claims: Mapping[str, Any], key: SigningKey) -> str:
    """A compact JWS over the claims; Ed25519 is deterministic, so the same claims give the same token."""
    stamped = {"iss": kind.issuer, "aud": kind.audience, **claims}
    return jwt.encode(stamped, key.private, algorithm="EdDSA", headers={"kid": key.kid, "typ": kind.typ})


def verify(kind: TokenKind, token: object, keys: PublicKeys, now: datetime) -> dict[str, Any]:
    """The claims of a token that is genuine, of this kind and valid at `now`; raises `Forbidden` that says why not.

    Codes: `token_malformed`, `token_key_unknown`, `token_forged`, `token_not_yet_valid`, `token_expired`.
    """
    header = _header(kind, token)
    key = keys.by_kid.get(str(header.get("kid")))
    if key is None:
        raise Forbidden("token_key_unknown", "the token names a key that is not known here")
    try:
        claims = jwt.decode(
            str(token),
            key,
            algorithms=["EdDSA"],
            issuer=kind.issuer,
            audience=kind.audience,
            options={
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "require": ["exp", "nbf", "sub"],
            },
        )
    except jwt.PyJWTError as error:
        raise Forbidden("token_forged", f"the token does not verify: {error}") from error
    _check_times(claims, now.timestamp())
    return claims


def _header(kind: TokenKind, token: object) -> dict[str, Any]:
    if not isinstance(token, str) or not token.isascii() or len(token) > LONGEST:
        raise Forbidden("token_malformed", f"expected a compact JWS of at most {LONGEST} characters")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise Forbidden("token_malformed", f"not a compact JWS: {error}") from error
    if header.get("typ") != kind.typ:
        raise Forbidden("token_malformed", f"expected a token of type {kind.typ}, got {str(header.get('typ'))[:40]!r}")
    return header


def _check_times(claims: Mapping[str, Any], now: float) -> None:
    times = [claims["nbf"], claims["exp"]]
    if not all(isinstance(time, int | float) and not isinstance(time, bool) and math.isfinite(time) for time in times):
        raise Forbidden("token_malformed", "nbf and exp must be numbers")
    if now < times[0]:
        raise Forbidden("token_not_yet_valid", "the token is not valid yet")
    if now >= times[1]:
        raise Forbidden("token_expired", "the token has ended")
