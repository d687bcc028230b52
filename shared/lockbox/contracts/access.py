"""Operations of enforcement points: keys, revocations, and the record of each access. Owned by approval_service."""

from dataclasses import dataclass, field
from typing import Any

from lockbox.contracts import rules
from lockbox.contracts.calls import APPROVAL, PUBLIC, Call
from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Action, Email, Flag, TenantName, Timestamp, Uuid
from lockbox.contracts.identity import VENDOR_ROLES, Role
from lockbox.contracts.rules import TextPattern
from lockbox.values.limits import LONGEST_ACTION, LONGEST_RESOURCE, MOST_RECORDS_AT_ONCE

# --- facts ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class AccessUsed(Fact, source="approval_service", subject="access_id", abstract=True):
    """The common fields of both outcomes of an access; without a grant, `grant_id` is null."""

    access_id: Uuid
    tenant: TenantName
    grant_id: Uuid | None
    request_id: Uuid | None
    engineer: Email | None
    resource: str
    action: str
    reason: str
    enforcement_point: str
    at: Timestamp

    @property
    def subject(self) -> str:
        """The id of the grant, or of the access where no grant was shown."""
        return self.grant_id or self.access_id


@dataclass(frozen=True, kw_only=True)
class AccessAllowed(AccessUsed):
    """An enforcement point served content under a grant."""


@dataclass(frozen=True, kw_only=True)
class AccessDenied(AccessUsed):
    """An enforcement point refused content."""


@dataclass(frozen=True, kw_only=True)
class AccessDisputed(Fact, source="approval_service", subject="access_id"):
    """An enforcement point reported an access that it allowed, and its token, the time or the grant contradicts it.

    `code` is the contradiction. `tenant` is null where the token is not for the tenant that was claimed.
    """

    access_id: Uuid
    claimed_tenant: TenantName
    grant_id: Uuid | None
    request_id: Uuid | None
    engineer: Email | None
    resource: str
    action: str
    code: str
    enforcement_point: str
    at: Timestamp

    @property
    def subject(self) -> str:
        """The id of the grant that was named, or of the access without one."""
        return self.grant_id or self.access_id


# --- answers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class KeySet:
    """Public keys as a JWK Set (RFC 7517)."""

    keys: tuple[dict[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class RevocationList:
    """Grants that were revoked or completed before the end in their tokens, and revoked keys, as of `as_of`.

    With `since`, the grants are those that ended after it. `keys` is a digest of the key set, another one when that is.
    """

    as_of: Timestamp
    grant_ids: tuple[Uuid, ...]
    revoked_keys: tuple[str, ...]
    keys: str
    since: Timestamp | None = None


@dataclass(frozen=True, kw_only=True)
class AccessRecorded:
    """The confirmation that an access is on record."""

    access_id: Uuid


# --- commands and queries ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class GetKeys(Call[KeySet], service=APPROVAL, rest="GET /.well-known/jwks.json", roles=PUBLIC):
    """Read the public keys that grants are signed with (RFC 7517)."""


@dataclass(frozen=True, kw_only=True)
class ListRevocations(
    Call[RevocationList], service=APPROVAL, rest="GET /revocations", roles=(Role.ENFORCEMENT_POINT,), only=VENDOR_ROLES
):
    """List the revoked grants that would still verify; as a stream with `Accept: text/event-stream`."""

    since: Timestamp | None = None


def any_text(longest: int) -> dict[str, Any]:
    """Return the rule of an attempted resource or action: any text, so that every attempt goes on record."""
    rule = TextPattern(rf"[^\ud800-\udfff]{{0,{longest}}}\Z", "too_long", most=longest)
    rule.json_schema = {"pattern": r"[\s\S]*\Z", "maxLength": longest}
    return {"validate": rule}


@dataclass(frozen=True, kw_only=True)
class AccessAttempt:
    """An access, allowed or denied, as an enforcement point saw it; `access_id` makes it count once."""

    access_id: Uuid
    allowed: Flag
    tenant: TenantName
    grant_id: Uuid | None = None
    request_id: Uuid | None = None
    engineer: Email | None = None
    resource: str = field(metadata=any_text(LONGEST_RESOURCE))
    action: str = field(metadata=any_text(LONGEST_ACTION))
    reason: Action
    at: Timestamp


@dataclass(frozen=True, kw_only=True)
class RecordAccess(
    AccessAttempt,
    Call[AccessRecorded],
    service=APPROVAL,
    rest="POST /access-events",
    roles=(Role.ENFORCEMENT_POINT,),
    only=VENDOR_ROLES,
    status=201,
):
    """Put one access, allowed or denied, on record; the same again changes nothing."""


@dataclass(frozen=True, kw_only=True)
class RefusedAccess:
    """An access that can never be put on record, with the reason."""

    access_id: Uuid
    code: str
    message: str


@dataclass(frozen=True, kw_only=True)
class AccessesRecorded:
    """The accesses that are not on record; all others are."""

    refused: tuple[RefusedAccess, ...]


@dataclass(frozen=True, kw_only=True)
class RecordAccesses(
    Call[AccessesRecorded],
    service=APPROVAL,
    rest="POST /access-events/batch",
    roles=(Role.ENFORCEMENT_POINT,),
    only=VENDOR_ROLES,
):
    """Put up to 200 accesses on record; `refused` are those that can never be."""

    attempts: tuple[AccessAttempt, ...] = field(metadata={"validate": rules.count(1, MOST_RECORDS_AT_ONCE, "attempts")})
