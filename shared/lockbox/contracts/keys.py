"""The published language of the keys that grants are signed with, owned by approval_service."""

from dataclasses import dataclass
from enum import StrEnum

from lockbox.contracts.calls import APPROVAL, Call
from lockbox.contracts.events import Fact
from lockbox.contracts.fields import Comment, IdempotencyKey, TenantName, Timestamp
from lockbox.contracts.grant.terms import Thumbprint
from lockbox.contracts.identity import Role


class KeyState(StrEnum):
    """What a key is good for: to sign and verify, to verify what it has signed, or nothing any more."""

    ACTIVE = "ACTIVE"
    RETIRED = "RETIRED"
    REVOKED = "REVOKED"


# --- facts ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SigningKeyFact(Fact, source="approval_service", subject="kid", abstract=True):
    """What the facts about a key have in common; they concern the vendor and no tenant."""

    tenant: TenantName | None = None
    kid: Thumbprint


@dataclass(frozen=True, kw_only=True)
class SigningKeyCreated(SigningKeyFact):
    """Grants are signed with this key from now on; `x` is its public half (RFC 8037)."""

    x: str


@dataclass(frozen=True, kw_only=True)
class SigningKeyRetired(SigningKeyFact):
    """The key signs no more; what it has signed counts until its end."""


@dataclass(frozen=True, kw_only=True)
class SigningKeyRevoked(SigningKeyFact):
    """Nothing that the key has signed counts any more."""

    comment: str


# --- answers -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class KeyView:
    """A key as operators see it; `kid` is its thumbprint (RFC 7638), `kept_in` where its private half is."""

    kid: Thumbprint
    state: KeyState
    kept_in: str
    created_at: Timestamp
    retired_at: Timestamp | None = None
    revoked_at: Timestamp | None = None
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class KeyList:
    """All keys that there ever were, the newest first."""

    items: tuple[KeyView, ...]


# --- commands and queries ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ListKeys(Call[KeyList], service=APPROVAL, rest="GET /ops/keys", roles=(Role.OPERATOR,)):
    """List the keys that grants are and were signed with."""


@dataclass(frozen=True, kw_only=True)
class RotateKeys(Call[KeyList], service=APPROVAL, rest="POST /ops/keys/rotate", roles=(Role.OPERATOR,)):
    """Sign with a new key from now on; what was signed before counts until its end."""

    idempotency_key: IdempotencyKey


@dataclass(frozen=True, kw_only=True)
class RevokeKey(Call[KeyList], service=APPROVAL, rest="POST /ops/keys/{kid}/revoke", roles=(Role.OPERATOR,)):
    """Let nothing count any more that a key has signed; the active one is replaced at once."""

    kid: Thumbprint
    comment: Comment = ""
    idempotency_key: IdempotencyKey
