"""Caller tokens: the portal vouches for a caller of one call, and every RPC entrypoint checks the token.

A caller token is signed (EdDSA) and travels in Nameko's `auth_token` context. It is good for one call alone: its
audience is the service called (RFC 7519, section 4.1.3), and it names the method, the SHA-256 of the message's body and
the address that the answer goes to. From its first to its last moment it lives 30 seconds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from lockbox.contracts.identity import Caller, Role
from lockbox.crypto.keys import PublicKeys, SigningKey
from lockbox.crypto.tokens import TokenKind, sign, verify
from lockbox.errors import Forbidden
from lockbox.values.timestamps import format_timestamp, parse_timestamp

TYPE, ISSUER = "lockbox-caller+jwt", "portal_service"
CLOCKS_APART = timedelta(seconds=5)
LIFETIME = timedelta(seconds=25)


@dataclass(frozen=True)
class CallScope:
    """One call: the service and method called, the SHA-256 of the body in hexadecimal, the address of the answer."""

    service: str
    method: str
    sha256: str
    reply_to: str

    @property
    def kind(self) -> TokenKind:
        """The kind of token that counts for it."""
        return TokenKind(typ=TYPE, issuer=ISSUER, audience=self.service)


def mint(caller: Caller, scope: CallScope, key: SigningKey, now: datetime) -> str:
    """Return a token that vouches for the caller of one call."""
    claims = {
        "sub": caller.email,
        "org": caller.organisation,
        "roles": sorted(caller.roles),
        "authenticated_at": format_timestamp(caller.authenticated_at),
        "correlation_id": caller.correlation_id,
        **({} if caller.tenants is None else {"tenants": sorted(caller.tenants)}),
        "method": scope.method,
        "sha256": scope.sha256,
        "reply_to": scope.reply_to,
        "nbf": int((now - CLOCKS_APART).timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
    }
    return sign(scope.kind, claims, key)


def identify(token: object, scope: CallScope, keys: PublicKeys, now: datetime) -> Caller:
    """Return the caller that a token vouches for; raises `Forbidden` for any token that is not good for this call.

    Codes, beside those of `lockbox.crypto.tokens.verify`: `token_other_method`, `token_other_message`,
    `token_other_reply`.
    """
    claims = verify(scope.kind, token, keys, now)
    for claim, wanted, code in (
        ("method", scope.method, "token_other_method"),
        ("sha256", scope.sha256, "token_other_message"),
        ("reply_to", scope.reply_to, "token_other_reply"),
    ):
        if claims.get(claim) != wanted:
            raise Forbidden(code, f"the caller token is for another call: its {claim} differs")
    try:
        return Caller(
            email=claims["sub"],
            organisation=claims["org"],
            roles=frozenset(map(Role, claims["roles"])),
            authenticated_at=parse_timestamp(claims["authenticated_at"]),
            correlation_id=claims["correlation_id"],
            tenants=frozenset(claims["tenants"]) if "tenants" in claims else None,
        )
    except (KeyError, ValueError, TypeError) as error:
        raise Forbidden("token_malformed", f"the caller token lacks a claim: {error!r}") from error
