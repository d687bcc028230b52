"""The keyring: one key signs grants, earlier keys verify until they are revoked."""

from dataclasses import dataclass, replace
from datetime import datetime

from lockbox.contracts import wire
from lockbox.contracts.events import Changed, Fact
from lockbox.contracts.fields import Timestamp
from lockbox.contracts.grant.terms import Thumbprint
from lockbox.contracts.keys import KeyList, KeyState, KeyView, SigningKeyCreated, SigningKeyRetired, SigningKeyRevoked
from lockbox.errors import Conflict, NotFound


@dataclass(frozen=True, kw_only=True)
class MadeKey:
    """A new key: its public half, and the handle by which the signer finds the private one."""

    kid: str
    x: str
    handle: str
    kept_in: str


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key that grants are or were signed with; its handle is None once it signs no more.

    `kid` is its thumbprint (RFC 7638), `x` its public half (RFC 8037), `kept_in` the place of its private half.
    """

    kid: Thumbprint
    state: KeyState
    kept_in: str
    created_at: Timestamp
    retired_at: Timestamp | None = None
    revoked_at: Timestamp | None = None
    comment: str = ""
    x: str
    handle: str | None


@dataclass(frozen=True, kw_only=True)
class Keyring:
    """All keys that were ever made, the newest first."""

    keys: tuple[Key, ...] = ()

    @property
    def active(self) -> Key:
        """The key that signs."""
        return self.keys[0]

    @property
    def published(self) -> tuple[Key, ...]:
        """The keys that verify: all but the revoked ones."""
        return tuple(key for key in self.keys if key.state != KeyState.REVOKED)

    @property
    def revoked(self) -> tuple[str, ...]:
        """The ids of the revoked keys."""
        return tuple(key.kid for key in self.keys if key.state == KeyState.REVOKED)

    def rotate(self, made: MadeKey, now: datetime) -> "Changed[Keyring]":
        """Sign with a new key from now on."""
        facts: list[Fact] = [SigningKeyCreated(kid=made.kid, x=made.x)]
        facts += [SigningKeyRetired(kid=key.kid) for key in self.keys if key.state == KeyState.ACTIVE]
        new = Key(**vars(made), state=KeyState.ACTIVE, created_at=now)
        return Changed(Keyring(keys=(new, *(_retired(key, now) for key in self.keys))), tuple(facts))

    def revoke(self, kid: str, made: MadeKey, comment: str, now: datetime) -> "Changed[Keyring]":
        """Revoke a key and all that it has signed; the new one takes its place if it was the active one."""
        key = next((key for key in self.keys if key.kid == kid), None)
        if key is None:
            raise NotFound("key_not_found", "there is no such key")
        if key.state == KeyState.REVOKED:
            raise Conflict("key_revoked", "this key was revoked before")
        if key.state == KeyState.ACTIVE:
            return self.rotate(made, now).then(lambda ring: ring.revoke(kid, made, comment, now))
        ended = replace(key, state=KeyState.REVOKED, revoked_at=now, comment=comment)
        keys = tuple(ended if one is key else one for one in self.keys)
        return Changed(Keyring(keys=keys), (SigningKeyRevoked(kid=kid, comment=comment),))

    def as_list(self) -> KeyList:
        """Return the view of the keys for operators."""
        return KeyList(items=tuple(KeyView(**wire.named(KeyView, key)) for key in self.keys))


def _retired(key: Key, now: datetime) -> Key:
    if key.state != KeyState.ACTIVE:
        return key
    return replace(key, state=KeyState.RETIRED, retired_at=now, handle=None)
