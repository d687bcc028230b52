import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tests.unit.builders import CORRELATION_ID, NOW, OPERATOR
from tests.unit.fakes import FakeKeyrings

from approval_service.domain.keyring import MadeKey
from approval_service.settings import SignerSettings
from approval_service.signer.sealed import SealedSigner, sealed, signer
from approval_service.usecases import keys as signing
from lockbox.contracts.events import Cause
from lockbox.contracts.keys import KeyState, RevokeKey, RotateKeys
from lockbox.crypto.jws import Signs, decoded
from lockbox.errors import Conflict, Invalid, NotFound, Unavailable

KEK = bytes(range(32))
CAUSE = Cause("approval_service", CORRELATION_ID)


class Remembering(SealedSigner):
    """Knows which private keys were destroyed."""

    def __init__(self) -> None:
        super().__init__(KEK)
        self.made: list[MadeKey] = []
        self.forgotten: list[str] = []

    def make(self) -> MadeKey:
        self.made.append(super().make())
        return self.made[-1]

    def forget(self, handle: str) -> None:
        self.forgotten.append(handle)


def key_file(folder: Path, text: str) -> SignerSettings:
    path = folder / "key-encryption.key"
    path.write_text(text)
    return SignerSettings(key_encryption_key=str(path))


def verifies(made: MadeKey, private: Signs) -> None:
    Ed25519PublicKey.from_public_bytes(decoded(made.x)).verify(private.sign(b"a grant"), b"a grant")


def begun() -> tuple[FakeKeyrings, Remembering]:
    keyrings, keys = FakeKeyrings(), Remembering()
    signing.make_first_key(keyrings, keys, CAUSE, NOW)
    return keyrings, keys


# --- sealed keys ---------------------------------------------------------------------------------------------------


def test_sealed_key_when_unsealed_signs_what_its_public_half_verifies() -> None:
    made = SealedSigner(KEK).make()
    verifies(made, SealedSigner(KEK).find(made.kid, made.handle))
    assert made.kept_in == "database, sealed"


@pytest.mark.parametrize(
    ("kid", "handle", "kek"),
    [
        ("another", None, KEK),
        (None, None, bytes(32)),
        (None, "AAAA", KEK),
        (None, "not base64!", KEK),
        (None, "", KEK),
    ],
)
def test_sealed_key_when_anything_is_another_can_not_be_unsealed(
    kid: str | None, handle: str | None, kek: bytes
) -> None:
    made = SealedSigner(KEK).make()
    with pytest.raises(Unavailable) as refused:
        SealedSigner(kek).find(made.kid if kid is None else kid, made.handle if handle is None else handle)
    assert refused.value.code == "signing_key_sealed"


def test_sealed_key_when_one_bit_is_another_can_not_be_unsealed() -> None:
    made = SealedSigner(KEK).make()
    raw = bytearray(base64.b64decode(made.handle))
    raw[-1] ^= 1
    with pytest.raises(Unavailable):
        SealedSigner(KEK).find(made.kid, base64.b64encode(raw).decode())


# --- settings ------------------------------------------------------------------------------------------------------


def test_signer_when_nothing_is_named_seals_with_the_key_in_the_file(tmp_path: Path) -> None:
    settings = key_file(tmp_path, KEK.hex() + "\n")
    found = signer({"lockbox": {"key_encryption_key": settings.key_encryption_key}})
    made = found.make()
    verifies(made, SealedSigner(KEK).find(made.kid, made.handle))


@pytest.mark.parametrize("text", ["", "abc", "zz" * 32, "00" * 31, "00" * 33])
def test_sealed_when_the_file_holds_no_such_key_says_so_without_repeating_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        sealed(key_file(tmp_path, text))
    assert refused.value.code == "key_encryption_key"
    assert not text or text not in refused.value.message


def test_sealed_when_the_file_is_not_there_or_not_named_says_so(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="holds no readable key"):
        sealed(SignerSettings(key_encryption_key=str(tmp_path / "none")))
    with pytest.raises(Invalid, match="is missing"):
        sealed(SignerSettings())


@pytest.mark.parametrize("name", ["nothing", "no_such_module:signer", "approval_service.signer.sealed:none", ":"])
def test_signer_when_there_is_none_of_that_name_says_so(name: str) -> None:
    with pytest.raises(Invalid, match="expected module:function"):
        signer({"lockbox": {"signer": name}})


# --- the ring ------------------------------------------------------------------------------------------------------


def test_make_first_key_when_started_again_leaves_the_one_that_is_there() -> None:
    keyrings, keys = begun()
    signing.make_first_key(keyrings, keys, CAUSE, NOW)
    assert keyrings.types == ["signing_key_created"]
    assert len(keys.made) == 1


def test_make_first_key_when_another_process_was_quicker_destroys_its_own() -> None:
    keyrings, keys = begun()
    quicker = dict(keyrings.states)
    keyrings.states.clear()

    class Late(FakeKeyrings):
        def find(self, key: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
            found, self.states = super().find(key), quicker
            return found

    signing.make_first_key(Late(), keys, CAUSE, NOW)
    assert keys.forgotten == [keys.made[1].handle]


def test_active_key_when_there_is_none_yet_is_unavailable() -> None:
    with pytest.raises(Unavailable) as refused:
        signing.active_key(FakeKeyrings(), SealedSigner(KEK))
    assert refused.value.code == "no_signing_key"


def test_rotate_keys_when_done_signs_with_the_new_and_destroys_the_old_private_half() -> None:
    keyrings, keys = begun()
    listed = signing.rotate_keys(keyrings, keys, OPERATOR, RotateKeys(idempotency_key="k-1"), NOW)
    assert [key.state for key in listed.items] == [KeyState.ACTIVE, KeyState.RETIRED]
    active = signing.active_key(keyrings, keys)
    assert active.kid == keys.made[1].kid == listed.items[0].kid
    verifies(keys.made[1], active)
    assert keys.forgotten == [keys.made[0].handle]
    assert [key["kid"] for key in signing.get_keys(keyrings).keys] == [keys.made[1].kid, keys.made[0].kid]
    assert all("d" not in key for key in signing.get_keys(keyrings).keys)


def test_revoke_key_when_it_is_an_old_one_destroys_the_key_that_was_not_needed() -> None:
    keyrings, keys = begun()
    signing.rotate_keys(keyrings, keys, OPERATOR, RotateKeys(idempotency_key="k-1"), NOW)
    command = RevokeKey(kid=keys.made[0].kid, comment="lost", idempotency_key="k-2")
    signing.revoke_key(keyrings, keys, OPERATOR, command, NOW)
    assert keys.forgotten == [keys.made[0].handle, keys.made[2].handle]
    assert [key["kid"] for key in signing.get_keys(keyrings).keys] == [keys.made[1].kid]


def test_revoke_key_when_it_signs_leaves_nothing_to_sign_with_but_a_new_one() -> None:
    keyrings, keys = begun()
    command = RevokeKey(kid=keys.made[0].kid, comment="lost", idempotency_key="k-1")
    signing.revoke_key(keyrings, keys, OPERATOR, command, NOW)
    assert signing.active_key(keyrings, keys).kid == keys.made[1].kid
    assert keys.forgotten == [keys.made[0].handle]


@pytest.mark.parametrize(("known", "kind"), [(True, Conflict), (False, NotFound)])
def test_revoke_key_when_refused_destroys_the_key_that_it_made(known: bool, kind: type[Exception]) -> None:
    keyrings, keys = begun()
    kid = keys.made[0].kid if known else "k9"
    if known:
        signing.revoke_key(keyrings, keys, OPERATOR, RevokeKey(kid=kid, idempotency_key="k-1"), NOW)
    with pytest.raises(kind):
        signing.revoke_key(keyrings, keys, OPERATOR, RevokeKey(kid=kid, idempotency_key="k-2"), NOW)
    assert keys.forgotten[-1] == keys.made[-1].handle
