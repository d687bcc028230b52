"""May this token do this, here and now? A pure answer, from the token, the keys and the revocations alone."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lockbox.contracts.resources import covers, is_item
from lockbox.crypto.keys import PublicKeys
from lockbox.crypto.tokens import GRANT_TOKEN, verify
from lockbox.errors import Forbidden

GRANTED = "granted"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What somebody wants to do with whose content."""

    tenant: str
    resource: str
    action: str


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Allowed or not, and the stable code of the reason; with what is known of the grant, if it is genuine.

    Reasons: `granted`; `no_grant`, `token_malformed`, `token_key_unknown`, `token_forged`, `token_not_yet_valid`,
    `token_expired`, `grant_revoked`, `other_tenant`, `other_resource`, `other_action`, `revocations_stale`,
    `not_recorded`.
    """

    allowed: bool
    reason: str
    attempt: Attempt
    grant_id: str | None = None
    request_id: str | None = None
    engineer: str | None = None


def decide(token: str | None, attempt: Attempt, keys: PublicKeys, revoked: Container[str], now: datetime) -> Decision:
    """Decide on one attempt. Everything that is not exactly granted is refused."""
    if not token:
        return Decision(allowed=False, reason="no_grant", attempt=attempt)
    try:
        claims = verify(GRANT_TOKEN, token, keys, now)
    except Forbidden as error:
        return Decision(allowed=False, reason=error.code, attempt=attempt)
    reason = (
        "grant_revoked"
        if not isinstance(claims.get("jti"), str) or claims["jti"] in revoked
        else _outside(claims, attempt)
    )
    return Decision(
        allowed=reason is None,
        reason=reason or GRANTED,
        attempt=attempt,
        grant_id=claims.get("jti"),
        request_id=claims.get("request"),
        engineer=claims["sub"],
    )


def _outside(claims: Mapping[str, Any], attempt: Attempt) -> str | None:
    """Which border of the grant the attempt crosses, or None. Content is used item by item, never by a pattern."""
    if claims.get("tenant") != attempt.tenant:
        return "other_tenant"
    named = _named(claims.get("resources"))
    if not is_item(attempt.resource) or not any(covers(pattern, attempt.resource) for pattern in named):
        return "other_resource"
    if attempt.action not in _named(claims.get("actions")):
        return "other_action"
    return None


def _named(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
