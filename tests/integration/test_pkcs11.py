"""Grants and proofs are signed by keys that never leave a device: SoftHSM, over PKCS#11."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pkcs11
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pkcs11 import Attribute, ObjectClass
from pymongo import MongoClient
from tests.integration.test_aggregates import Offers
from tests.unit.lockbox.cli.commands import fails, works

from approval_service.domain.keyring import MadeKey
from approval_service.signer.pkcs11 import Pkcs11Signer
from approval_service.signer.sealed import SealedSigner, signer
from approval_service.store import KeyringStore
from approval_service.usecases import keys as signing
from approval_service.usecases.keys import Signer
from lockbox.cli.device_key import KeyInDevice
from lockbox.cli.key import own_key
from lockbox.contracts.events import VENDOR, Cause
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.keys import RotateKeys
from lockbox.crypto.jws import decoded
from lockbox.crypto.keys import PublicKeys
from lockbox.crypto.possession import Target, prove, read
from lockbox.crypto.tokens import GRANT_TOKEN, sign, verify
from lockbox.embedded.stack import Stack
from lockbox.errors import Unavailable

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
TOKEN, PIN = "lockbox", "1234-5678"
NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
BEGIN = int(NOW.timestamp())
OPERATOR = Caller("otto@vendor.example", VENDOR, frozenset({Role.OPERATOR}), NOW, str(uuid4()))
ELSEWHERE = """
import sys
from approval_service.signer.pkcs11 import Pkcs11Signer
print(Pkcs11Signer(*sys.argv[1:4]).sign(sys.argv[4], b"a grant").hex())
"""


@pytest.fixture(scope="module")
def config() -> Iterator[dict[str, Any]]:
    """What the service is told; the library reads its own configuration once in a process."""
    with tempfile.TemporaryDirectory(prefix="lockbox-softhsm-") as folder:
        home = Path(folder)
        (home / "tokens").mkdir()
        (home / "softhsm2.conf").write_text(f"directories.tokendir = {home}/tokens\nlog.level = ERROR\n")
        (home / "pin").write_text(f"{PIN}\n")
        os.environ["SOFTHSM2_CONF"] = str(home / "softhsm2.conf")
        make = ["softhsm2-util", "--init-token", "--free", "--label", TOKEN, "--pin", PIN, "--so-pin", PIN]
        subprocess.run(make, check=True, capture_output=True)
        yield {
            "signer": "approval_service.signer.pkcs11:signer",
            "pkcs11_module": MODULE,
            "pkcs11_token": TOKEN,
            "pkcs11_pin_file": str(home / "pin"),
        }


@pytest.fixture
def device(config: dict[str, Any]) -> Signer:
    return signer({"lockbox": config})


@pytest.fixture
def keyrings(mongo: MongoClient[dict[str, Any]], stack: Stack) -> Iterator[KeyringStore]:
    name = f"test_{uuid4().hex[:12]}"
    yield KeyringStore(mongo[name], Offers())  # type: ignore[arg-type]
    mongo.drop_database(name)


def private_halves(handle: str) -> list[Any]:
    with pkcs11.lib(MODULE).get_token(token_label=TOKEN).open(user_pin=PIN) as session:
        wanted = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: bytes.fromhex(handle)}
        return [(key[Attribute.SENSITIVE], key[Attribute.EXTRACTABLE]) for key in session.get_objects(wanted)]


def verifies(made: MadeKey, signature: bytes) -> None:
    Ed25519PublicKey.from_public_bytes(decoded(made.x)).verify(signature, b"a grant")


def test_key_when_made_in_a_device_signs_there_and_can_not_be_taken_out(device: Signer) -> None:
    made = device.make()
    verifies(made, device.find(made.kid, made.handle).sign(b"a grant"))
    assert private_halves(made.handle) == [(True, False)]
    assert made.kept_in == "PKCS#11 token lockbox"


def test_key_when_the_service_starts_again_is_there(device: Signer) -> None:
    made = device.make()
    command = [sys.executable, "-c", ELSEWHERE, MODULE, TOKEN, PIN, made.handle]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    verifies(made, bytes.fromhex(told))


def test_key_when_forgotten_is_destroyed(device: Signer) -> None:
    made, other = device.make(), device.make()
    device.forget(made.handle)
    assert private_halves(made.handle) == []
    with pytest.raises(Unavailable) as refused:
        device.find(made.kid, made.handle).sign(b"a grant")
    assert refused.value.code == "signer_unavailable"
    verifies(other, device.find(other.kid, other.handle).sign(b"a grant"))


@pytest.mark.parametrize(
    ("module", "token", "pin"),
    [("/nowhere/libnothing.so", TOKEN, PIN), (MODULE, "another", PIN), (MODULE, TOKEN, "0000-0000")],
    ids=["no library", "no token", "wrong PIN"],
)
def test_device_when_it_can_not_be_used_says_so_and_tells_no_pin(
    config: dict[str, Any], module: str, token: str, pin: str
) -> None:
    with pytest.raises(Unavailable) as refused:
        Pkcs11Signer(module, token, pin).make()
    assert refused.value.code == "signer_unavailable"
    assert pin not in refused.value.message


def test_grants_when_a_device_holds_the_keys_are_signed_and_count_after_a_rotation(
    device: Signer, keyrings: KeyringStore
) -> None:
    signing.make_first_key(keyrings, device, Cause("approval_service", str(uuid4())), NOW)
    first = signing.keyring(keyrings).active
    claims = {"sub": "erin@vendor.example", "iat": BEGIN, "nbf": BEGIN, "exp": BEGIN + 3600, "jti": str(uuid4())}
    before = sign(GRANT_TOKEN, claims, signing.active_key(keyrings, device))

    signing.rotate_keys(keyrings, device, OPERATOR, RotateKeys(idempotency_key="k-1"), NOW)
    after = sign(GRANT_TOKEN, claims, signing.active_key(keyrings, device))
    keys = PublicKeys.from_jwks(signing.get_keys(keyrings).keys)
    for token in (before, after):
        assert verify(GRANT_TOKEN, token, keys, NOW)["sub"] == "erin@vendor.example"
    assert len(keys.by_kid) == 2
    assert private_halves(str(first.handle)) == []


def test_keys_when_they_move_into_a_device_are_signed_with_there_after_a_rotation(
    device: Signer, keyrings: KeyringStore
) -> None:
    signing.make_first_key(keyrings, SealedSigner(bytes(32)), Cause("approval_service", str(uuid4())), NOW)
    with pytest.raises(Unavailable):
        signing.active_key(keyrings, device).sign(b"a grant")
    listed = signing.rotate_keys(keyrings, device, OPERATOR, RotateKeys(idempotency_key="k-1"), NOW)
    assert [key.kept_in for key in listed.items] == ["PKCS#11 token lockbox", "database, sealed"]
    assert len(signing.active_key(keyrings, device).sign(b"a grant")) == 64


def test_key_of_an_engineer_when_made_in_a_device_proves_there_and_can_not_be_taken_out(
    config: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCKBOX_SESSION", str(tmp_path / "session.json"))
    monkeypatch.setenv("LOCKBOX_KEY_PIN", PIN)
    said = json.loads(works("key", "device", MODULE, TOKEN, "--json"))
    key = own_key()
    assert isinstance(key, KeyInDevice)
    assert said == {"thumbprint": key.kid, "module": MODULE, "token": TOKEN}
    assert private_halves(key.id) == [(True, False)]
    proof = read(prove(key, Target("GET", "https://files.vendor.example/a"), BEGIN, "1"))
    assert proof.thumbprint == key.kid == own_key().kid

    monkeypatch.setenv("LOCKBOX_KEY_PIN", "0000-0000")
    assert "PinIncorrect" in fails("key", "device", MODULE, TOKEN)
    monkeypatch.delenv("LOCKBOX_KEY_PIN")
    assert "needs its PIN: set LOCKBOX_KEY_PIN" in fails("proof", "a.b.c", "GET", "https://files.vendor.example/a")
    works("key", "new")
    assert not isinstance(own_key(), KeyInDevice)
