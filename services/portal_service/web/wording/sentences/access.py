"""Sentences about the use of access, as enforcement points report it."""

from collections.abc import Mapping

from lockbox.contracts.access import AccessAllowed, AccessDenied, AccessDisputed
from portal_service.web.wording.line import Line, Sentences

CONTRADICTIONS: Mapping[str, str] = {
    "tenant_not_of_token": "its token is not for this customer",
    "tenant_unknown": "there is no such customer",
    "at_out_of_range": "the time can't be right",
    "grant_unknown": "there is no such grant",
    "grant_of_another_tenant": "the grant is for another customer",
    "grant_of_another_engineer": "the grant is of another engineer",
    "grant_of_another_request": "the grant is of another request",
    "outside_grant": "the grant does not allow it",
    "grant_expired": "the grant had expired",
    "grant_revoked": "the grant had been ended",
}


def _allowed(fact: AccessAllowed, _actor: str) -> Line:
    return Line(f"{_engineer(fact.engineer)} used the access: {fact.action} on {fact.resource}", tone="good")


def _denied(fact: AccessDenied, _actor: str) -> Line:
    reason = fact.reason.replace("_", " ")
    refused = f"{_engineer(fact.engineer)} was refused: {fact.action} on {fact.resource} ({reason})"
    return Line(refused, tone="bad")


def _disputed(fact: AccessDisputed, _actor: str) -> Line:
    claimed = f"{fact.action} on {fact.resource} of {fact.claimed_tenant} by {_engineer(fact.engineer)}"
    contradiction = CONTRADICTIONS.get(fact.code, fact.code.replace("_", " "))
    return Line(
        f"{fact.enforcement_point} reports a use that Lockbox disputes: {claimed} ({contradiction})", tone="bad"
    )


def _engineer(email: str | None) -> str:
    return email or "An unknown caller"


SENTENCES: Sentences = {
    AccessAllowed: _allowed,
    AccessDenied: _denied,
    AccessDisputed: _disputed,
}
