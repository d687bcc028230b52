"""Signed tokens: JWTs (RFC 7519) with EdDSA (RFC 8037), each of an explicit type (RFC 8725, section 3.11).

The caller passes `now`, so that verification has no clock of its own.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from lockbox.crypto.jws import Signs, compose, malformed, parse
from lockbox.crypto.keys import PublicKeys
from lockbox.errors import Forbidden


@dataclass(frozen=True)
class TokenKind:
    """A kind of token; a token of another kind never passes as this one. `typ` is its header, after RFC 8725."""

    typ: str
    issuer: str
    audience: str


class NamedKey(Signs, Protocol):
    """A private key with the id of its public half, wherever it is kept."""

    @property
    def kid(self) -> str:
        """The id of the key."""


GRANT_TOKEN = TokenKind(typ="lockbox-grant+jwt", issuer="approval_service", audience="lockbox-enforcement-point")


def sign(kind: TokenKind, claims: Mapping[str, Any], key: NamedKey) -> str:
    """Return a compact JWS over the claims; Ed25519 is deterministic, so the same claims give the same token."""
    stamped = {"iss": kind.issuer, "aud": kind.audience, **claims}
    return compose({"kid": key.kid, "typ": kind.typ}, stamped, key)


def verify(kind: TokenKind, token: object, keys: PublicKeys, now: datetime) -> Mapping[str, Any]:
    """Return the claims of a token that is genuine, of this kind and valid at `now`; raise `Forbidden` with the reason.

    Codes: `token_malformed`, `token_key_unknown`, `token_forged`, `token_not_yet_valid`, `token_expired`.
    """
    _, claims = genuine(kind, token, keys)
    check_times(claims, now.timestamp())
    return claims


def genuine(kind: TokenKind, token: object, keys: PublicKeys) -> tuple[str, Mapping[str, Any]]:
    """Return the id of the key and the claims of a token that is genuine and of this kind, whatever the time."""
    jws = parse(token, kind.typ)
    kid = str(jws.header.get("kid"))
    key = keys.by_kid.get(kid)
    if key is None:
        raise Forbidden("token_key_unknown", "the token names a key that is not known here")
    jws.verify(key)
    claims = jws.payload
    if claims.get("iss") != kind.issuer or not isinstance(claims.get("sub"), str):
        raise Forbidden("token_forged", "the token is of another issuer, or names no subject")
    if claims.get("aud") != kind.audience:
        raise Forbidden("token_other_audience", "the token is for another audience")
    _times(claims)
    return kid, claims


def check_times(claims: Mapping[str, Any], now: float, skew: float = 0.0) -> None:
    """Raise `Forbidden` before the token is valid, but for `skew` seconds, and from its end on."""
    begins, ends = _times(claims)
    if now + skew < begins:
        raise Forbidden("token_not_yet_valid", "the token is not valid yet")
    if now >= ends:
        raise Forbidden("token_expired", "the token has ended")


def _times(claims: Mapping[str, Any]) -> tuple[float, float]:
    begins, ends = claims.get("nbf"), claims.get("exp")
    for time in (begins, ends):
        if isinstance(time, bool) or not isinstance(time, int | float) or not math.isfinite(time):
            raise malformed("nbf and exp must be numbers")
    return begins, ends  # type: ignore[return-value]
