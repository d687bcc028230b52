"""Facts of a request."""

from dataclasses import dataclass

from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Email, Timestamp, Uuid
from lockbox.contracts.request.terms import AccessTerms


@dataclass(frozen=True, kw_only=True)
class RequestCreated(AccessTerms, Fact, source="request_service"):
    """An engineer requested access."""

    request_id: Uuid
    requester: Email
    created_at: Timestamp


@dataclass(frozen=True, kw_only=True)
class InfoProvided(Fact, source="request_service"):
    """The engineer answered a question of the approvers; `number` counts the answers from 1."""

    request_id: Uuid
    requester: Email
    number: int
    answer: str
