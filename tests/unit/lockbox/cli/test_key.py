"""`lockbox key`, and the file that the key is kept in."""

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.unit.lockbox.cli.commands import fails, works

from lockbox.cli.key import key_file, own_key
from lockbox.cli.session import CommandError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCKBOX_SESSION", str(tmp_path / "lockbox" / "session.json"))
    return tmp_path


def test_key_when_first_needed_is_made_for_the_owner_alone(home: Path) -> None:
    key = own_key()
    assert key_file() == home / "lockbox" / "key.pem"
    assert stat.S_IMODE(key_file().stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file().parent.stat().st_mode) == 0o700
    assert list(key_file().parent.iterdir()) == [key_file()]
    assert own_key().kid == key.kid


def test_key_when_needed_by_several_at_once_is_one() -> None:
    with ThreadPoolExecutor(8) as together:
        kids = set(together.map(lambda _: own_key().kid, range(16)))
    assert kids == {own_key().kid}
    assert list(key_file().parent.iterdir()) == [key_file()]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620, 0o602, 0o610])
def test_key_when_others_have_rights_to_the_file_is_refused(mode: int) -> None:
    own_key()
    key_file().chmod(mode)
    with pytest.raises(CommandError, match=f"can be read by others; run `chmod 600 {key_file()}`"):
        own_key()


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\n", b"\xff"])
def test_key_when_the_file_holds_none_says_what_makes_another_one(content: bytes) -> None:
    own_key()
    key_file().write_bytes(content)
    assert "`lockbox key new` makes another one" in fails("key", "show")
    works("key", "new")
    assert own_key().kid in works("key", "show")


def test_key_when_it_can_not_be_kept_says_where(home: Path) -> None:
    (home / "lockbox").write_text("in the way")
    for command in ("show", "new"):
        assert fails("key", command).startswith(f"can't keep a key in {key_file()}: ")


def test_show_when_there_is_a_key_names_its_thumbprint_and_place() -> None:
    key = own_key()
    assert works("key", "show") == f"Your key is {key.kid}, in {key_file()}.\n"
    assert json.loads(works("key", "show", "--json")) == {"thumbprint": key.kid, "key_file": str(key_file())}


def test_new_when_there_was_a_key_puts_another_one_in_its_place() -> None:
    before = own_key()
    said = works("key", "new")
    assert own_key().kid != before.kid
    assert said == f"Your key is now {own_key().kid}, in {key_file()}.\n"
    assert stat.S_IMODE(key_file().stat().st_mode) == 0o600
    assert list(key_file().parent.iterdir()) == [key_file()]
