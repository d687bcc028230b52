"""Use cases of the keys that grants are signed with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from approval_service.domain.keyring import Keyring, MadeKey
from lockbox.contracts.access import KeySet
from lockbox.contracts.acts import Act
from lockbox.contracts.events import Cause, Changed
from lockbox.contracts.identity import Caller
from lockbox.contracts.keys import KeyList, RevokeKey, RotateKeys
from lockbox.crypto.jws import Signs
from lockbox.crypto.keys import jwk_of
from lockbox.errors import Conflict, NotFound, Unavailable

GRANTS = "grants"
"""The name of the one keyring that there is."""


class Signer(Protocol):
    """The maker and user of private keys: this process, or a device that never gives them away.

    It raises `Unavailable`: without it no grant is signed, and all else goes on.
    """

    def make(self) -> MadeKey:
        """Create a signing key."""

    def find(self, kid: str, handle: str) -> Signs:
        """Return a key that was made here, to sign with."""

    def forget(self, handle: str) -> None:
        """Destroy a private key that is used no more; one that another signer made is left alone."""


class Keyrings(Protocol):
    """The store of the keyring."""

    def find(self, key: str) -> Keyring | None: ...  # noqa: D102
    def create(self, key: str, changed: Changed[Keyring], act: Act) -> KeyList: ...  # noqa: D102
    def change(self, key: str, act: Act, step: Callable[[Keyring], Changed[Keyring]]) -> KeyList: ...  # noqa: D102


@dataclass(frozen=True)
class ActiveKey:
    """The key that signs."""

    kid: str
    private: Signs

    def sign(self, data: bytes, /) -> bytes:
        """Return an Ed25519 signature, 64 bytes."""
        return self.private.sign(data)


def make_first_key(keyrings: Keyrings, signer: Signer, cause: Cause, now: datetime) -> None:
    """Create the first signing key, if there is none."""
    if keyrings.find(GRANTS) is None:
        made = signer.make()
        keyrings.create(GRANTS, Keyring().rotate(made, now), Act(cause, now))
        _forget_unless_kept(keyrings, signer, made)


def keyring(keyrings: Keyrings) -> Keyring:
    """Return all keys; raises `Unavailable` as long as there is none."""
    found = keyrings.find(GRANTS)
    if found is None:
        raise Unavailable("no_signing_key", "the first key is not made yet; try again")
    return found


def active_key(keyrings: Keyrings, signer: Signer) -> ActiveKey:
    """Return the key to sign grants with."""
    active = keyring(keyrings).active
    return ActiveKey(active.kid, signer.find(active.kid, str(active.handle)))


def get_keys(keyrings: Keyrings) -> KeySet:
    """Publish the public keys that grants verify with."""
    return KeySet(keys=tuple(jwk_of(key.x) for key in keyring(keyrings).published))


def list_keys(keyrings: Keyrings) -> KeyList:
    """List all keys."""
    return keyring(keyrings).as_list()


def rotate_keys(keyrings: Keyrings, signer: Signer, caller: Caller, command: RotateKeys, now: datetime) -> KeyList:
    """Sign with a new key from now on."""
    return _renew(keyrings, signer, Act.of(caller.cause(), command, now), lambda ring, made: ring.rotate(made, now))


def revoke_key(keyrings: Keyrings, signer: Signer, caller: Caller, command: RevokeKey, now: datetime) -> KeyList:
    """Revoke a key and all that it has signed."""
    return _renew(
        keyrings,
        signer,
        Act.of(caller.cause(), command, now),
        lambda ring, made: ring.revoke(command.kid, made, command.comment, now),
    )


def _renew(
    keyrings: Keyrings, signer: Signer, act: Act, step: Callable[[Keyring, MadeKey], Changed[Keyring]]
) -> KeyList:
    """Take a step that may need a new key; private halves that nothing is signed with any more are destroyed."""
    before, made = keyring(keyrings), signer.make()
    try:
        keys = keyrings.change(GRANTS, act, lambda ring: step(ring, made))
    except (Conflict, NotFound):
        signer.forget(made.handle)
        raise
    _forget_unless_kept(keyrings, signer, made)
    if keyring(keyrings).active.kid != before.active.kid:
        signer.forget(str(before.active.handle))
    return keys


def _forget_unless_kept(keyrings: Keyrings, signer: Signer, made: MadeKey) -> None:
    if made.kid not in {key.kid for key in keyring(keyrings).keys}:
        signer.forget(made.handle)
