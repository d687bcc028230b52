"""Operations on the keys that grants are signed with, and their facts. Owned by approval_service."""

from dataclasses import dataclass
from enum import StrEnum

from lockbox.contracts.calls import APPROVAL, Call
from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Comment, IdempotencyKey, TenantName, Timestamp
from lockbox.contracts.grant.terms import Thumbprint
from lockbox.contracts.identity import Role


class KeyState(StrEnum):
    """The state of a key: it signs and verifies, it only verifies, or it does neither."""

    ACTIVE = "ACTIVE"
    RETIRED = "RETIRED"
    REVOKED = "REVOKED"


# --- facts ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SigningKeyFact(Fact, source="approval_service", subject="kid", abstract=True):
    """The common fields of the facts about a key; they concern the vendor and no tenant."""

    tenant: TenantName | None = None
    kid: Thumbprint


@dataclass(frozen=True, kw_only=True)
class SigningKeyCreated(SigningKeyFact):
    """Grants are signed with this key from now on; `x` is its public half (RFC 8037)."""

    x: str


@dataclass(frozen=True, kw_only=True)
class SigningKeyRetired(SigningKeyFact):
    """The key signs no more; grants that it has signed stay valid until they end."""


@dataclass(frozen=True, kw_only=True)
class SigningKeyRevoked(SigningKeyFact):
    """Grants that the key has signed are no longer valid."""

    comment: str


# --- answers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class KeyView:
    """A key as operators see it; `kid` is its thumbprint (RFC 7638), `kept_in` the place of its private half."""

    kid: Thumbprint
    state: KeyState
    kept_in: str
    created_at: Timestamp
    retired_at: Timestamp | None = None
    revoked_at: Timestamp | None = None
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class KeyList:
    """All keys of all times, the newest first."""

    items: tuple[KeyView, ...]


# --- commands and queries ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ListKeys(Call[KeyList], service=APPROVAL, rest="GET /ops/keys", roles=(Role.OPERATOR,)):
    """List the keys that grants are and were signed with, the newest first."""


@dataclass(frozen=True, kw_only=True)
class RotateKeys(Call[KeyList], service=APPROVAL, rest="POST /ops/keys/rotate", roles=(Role.OPERATOR,)):
    """Sign with a new key from now on; grants signed before stay valid until they end."""

    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class RevokeKey(Call[KeyList], service=APPROVAL, rest="POST /ops/keys/{kid}/revoke", roles=(Role.OPERATOR,)):
    """Revoke a key and with it every grant that it has signed; a new key replaces the active one at once."""

    kid: Thumbprint
    comment: Comment = ""
    idempotency_key: IdempotencyKey
