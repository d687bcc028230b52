"""Caller tokens: how the portal vouches for somebody, and how every RPC entrypoint checks it.

A caller token is signed (EdDSA), lives five minutes and travels in Nameko's `auth_token` context.
"""

from datetime import datetime, timedelta

from lockbox.contracts.identity import Caller, Role
from lockbox.crypto.keys import PublicKeys, SigningKey
from lockbox.crypto.tokens import TokenKind, sign, verify
from lockbox.errors import Forbidden
from lockbox.values.timestamps import format_timestamp, parse_timestamp

CALLER_TOKEN = TokenKind(typ="lockbox-caller+jwt", issuer="portal_service", audience="lockbox-rpc")
LIFETIME = timedelta(minutes=5)


def mint(caller: Caller, key: SigningKey, now: datetime) -> str:
    """A token that says who calls."""
    claims = {
        "sub": caller.email,
        "org": caller.organisation,
        "roles": sorted(caller.roles),
        "authenticated_at": format_timestamp(caller.authenticated_at),
        "correlation_id": caller.correlation_id,
        "nbf": int(now.timestamp()) - 1,
        "exp": int((now + LIFETIME).timestamp()),
    }
    return sign(CALLER_TOKEN, claims, key)


def identify(token: object, keys: PublicKeys, now: datetime) -> Caller:
    """The caller that a token vouches for; raises `Forbidden` for any token that is not good."""
    claims = verify(CALLER_TOKEN, token, keys, now)
    try:
        return Caller(
            email=claims["sub"],
            organisation=claims["org"],
            roles=frozenset(map(Role, claims["roles"])),
            authenticated_at=parse_timestamp(claims["authenticated_at"]),
            correlation_id=claims["correlation_id"],
        )
    except (KeyError, ValueError, TypeError) as error:
        raise Forbidden("token_malformed", f"the caller token lacks a claim: {error!r}") from error
