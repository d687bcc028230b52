import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from lockbox.crypto.keys import PublicKeys, load_signing_key
from lockbox.provision.secrets import ADMIN, SERVICES, SecretFiles, Secrets


@pytest.fixture
def files(tmp_path: Path) -> SecretFiles:
    return SecretFiles(tmp_path / "secrets")


def every_secret(secrets: Secrets) -> list[str]:
    singles = [
        secrets.database_key,
        secrets.key_encryption_key,
        secrets.web_key,
        secrets.enforcement_point_token,
    ]
    return [*secrets.broker.values(), *secrets.database.values(), *singles]


def test_ensure_when_nothing_is_there_makes_a_secret_for_everybody(files: SecretFiles) -> None:
    secrets = files.ensure()
    assert set(secrets.broker) == set(secrets.database) == {*SERVICES, ADMIN}
    assert len(set(every_secret(secrets))) == 2 * (len(SERVICES) + 1) + 4
    assert all(len(secret) >= 32 for secret in every_secret(secrets))


def test_ensure_when_done_again_changes_nothing(files: SecretFiles) -> None:
    first = files.ensure()
    before = {path: path.read_bytes() for path in files.directory.iterdir()}
    assert files.ensure() == first
    assert files.read() == first
    assert {path: path.read_bytes() for path in files.directory.iterdir()} == before


def test_ensure_when_done_elsewhere_makes_others(tmp_path: Path) -> None:
    one, other = (SecretFiles(tmp_path / name).ensure() for name in ("one", "other"))
    assert not set(every_secret(one)) & set(every_secret(other))


def test_ensure_when_done_lets_the_owner_alone_read(files: SecretFiles) -> None:
    files.ensure()
    assert stat.S_IMODE(files.directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.directory.iterdir()} == {0o600}
    assert len(list(files.directory.iterdir())) == 3


def test_ensure_when_done_publishes_the_public_half_alone(files: SecretFiles) -> None:
    files.ensure()
    document = json.loads(files.caller_keys.read_text())
    kid = load_signing_key(files.caller_key).kid
    assert [key["kid"] for key in document["keys"]] == [kid]
    assert "d" not in document["keys"][0]
    assert set(PublicKeys.from_jwks(document["keys"]).by_kid) == {kid}


def test_ensure_when_a_secret_is_new_makes_it_and_leaves_the_others(files: SecretFiles) -> None:
    before = files.ensure()
    passwords = files.directory / "passwords.json"
    known = json.loads(passwords.read_text())
    del known["key_encryption_key"]
    passwords.write_text(json.dumps(known))
    after = files.ensure()
    assert len(bytes.fromhex(after.key_encryption_key)) == 32
    assert replace(after, key_encryption_key=before.key_encryption_key) == before != after


def test_ensure_when_the_public_half_is_lost_makes_it_again(files: SecretFiles) -> None:
    files.ensure()
    before = files.caller_keys.read_text()
    files.caller_keys.unlink()
    files.ensure()
    assert files.caller_keys.read_text() == before
