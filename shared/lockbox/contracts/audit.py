"""Operations on the audit trail, owned by audit_service: every event, as it was published."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from lockbox.contracts import rules
from lockbox.contracts.calls import AUDIT, Call
from lockbox.contracts.events import FACTS
from lockbox.contracts.fields import Email, Flag, TenantName, Timestamp, Uuid
from lockbox.contracts.identity import Role
from lockbox.contracts.page import Page
from lockbox.contracts.request.terms import ServiceRequestField
from lockbox.values.limits import LONGEST_RESOURCE


@dataclass(frozen=True, kw_only=True)
class RecordView:
    """One event as it was published, with the SHA-256 of its canonical bytes and the time of recording.

    `foreign`: the source does not own events of this type, so they say nothing of the facts that they name.
    """

    id: Uuid
    type: str
    source: str
    time: Timestamp
    subject: str
    tenant: TenantName | None = None
    actor: str
    sequence: int
    data: dict[str, Any]
    correlationid: str
    causationid: str | None = None
    digest: str
    recorded_at: Timestamp
    foreign: Flag = False


@dataclass(frozen=True, kw_only=True)
class RecordPage:
    """A page of the audit trail; `next_cursor` is null on the last one."""

    items: tuple[RecordView, ...]
    next_cursor: str | None


def known_type(name: str) -> None:
    """Raise the violation of a type that no event has."""
    if name not in {type_ for _, type_, _ in FACTS}:
        raise rules.violation("not_an_event_type")


@dataclass(frozen=True, kw_only=True)
class RecordQuery(Page):
    """A selection of records; on the wire `start`, included, is `from` and `end`, not included, is `to`.

    `engineer`, `service_request`, `resource` (with everything below it), `grant_id` and `request_id` are those that a
    record is about; `actor` made it: of an access, the enforcement point.
    """

    type: str | None = field(default=None, metadata={"validate": known_type})
    actor: str | None = None
    subject: str | None = None
    engineer: Email | None = None
    service_request: Annotated[str, ServiceRequestField] | None = None
    resource: str | None = field(default=None, metadata={"validate": rules.longest(LONGEST_RESOURCE)})
    grant_id: Uuid | None = None
    request_id: Uuid | None = None
    start: Timestamp | None = field(default=None, metadata={"data_key": "from"})
    end: Timestamp | None = field(default=None, metadata={"data_key": "to"})
    newest_first: bool = False


@dataclass(frozen=True, kw_only=True)
class ListRecords(
    RecordQuery,
    Call[RecordPage],
    service=AUDIT,
    rest="GET /tenants/{tenant}/audit",
    roles=(Role.VENDOR_AUDITOR, Role.CUSTOMER_AUDITOR, Role.CUSTOMER_ADMIN),
):
    """Read the audit trail of a tenant, or of the vendor itself (`vendor`), in order.

    The auditors of the vendor read every trail, the auditors and administrators of a customer their own.
    """

    tenant: TenantName


@dataclass(frozen=True)
class OnRecord:
    """The answer to a reconciliation question: ids on record, missing, and on record with another digest."""

    on_record: tuple[str, ...]
    missing: tuple[str, ...]
    contradicted: tuple[str, ...]
