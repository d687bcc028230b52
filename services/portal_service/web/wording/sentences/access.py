"""Sentences about the use of access, as enforcement points report it."""

from lockbox.contracts.access import AccessAllowed, AccessDenied
from portal_service.web.wording.line import Line, Sentences


def _allowed(fact: AccessAllowed, _actor: str) -> Line:
    return Line(f"{_engineer(fact.engineer)} used the access: {fact.action} on {fact.resource}", tone="good")


def _denied(fact: AccessDenied, _actor: str) -> Line:
    reason = fact.reason.replace("_", " ")
    refused = f"{_engineer(fact.engineer)} was refused: {fact.action} on {fact.resource} ({reason})"
    return Line(refused, tone="bad")


def _engineer(email: str | None) -> str:
    return email or "An unknown caller"


SENTENCES: Sentences = {
    AccessAllowed: _allowed,
    AccessDenied: _denied,
}
