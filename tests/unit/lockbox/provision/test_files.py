import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lockbox.provision.files import (
    private_directory,
    write_for_group,
    write_private,
    write_private_json,
    write_unless_edited,
)


def test_file_when_a_person_has_edited_it_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    assert write_unless_edited(path, "first")
    assert write_unless_edited(path, "second")
    path.write_text("mine")
    assert not write_unless_edited(path, "third")
    assert path.read_text() == "mine"
    path.unlink()
    assert write_unless_edited(path, "fourth")
    assert (path.read_text(), mode(path)) == ("fourth", 0o600)


@pytest.mark.parametrize(("found", "kept"), [("generated", False), ("mine", True)])
def test_file_of_an_earlier_version_when_it_is_another_is_kept(tmp_path: Path, found: str, kept: bool) -> None:
    (tmp_path / "seed.json").write_text(found)
    assert write_unless_edited(tmp_path / "seed.json", "generated") is not kept
    assert (tmp_path / "seed.json").read_text() == found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("open_umask")
def test_private_directory_when_made_is_for_its_owner_alone(tmp_path: Path) -> None:
    assert mode(private_directory(tmp_path / "secrets")) == 0o700


def test_private_directory_when_it_is_there_is_left_with_what_is_in_it(tmp_path: Path) -> None:
    (private_directory(tmp_path / "secrets") / "key").write_text("x")
    assert [path.name for path in private_directory(tmp_path / "secrets").iterdir()] == ["key"]


@pytest.mark.usefixtures("open_umask")
@pytest.mark.parametrize(("write", "expected"), [(write_private, 0o600), (write_for_group, 0o640)])
def test_write_when_the_file_is_new_has_its_mode(
    tmp_path: Path, write: Callable[[Path, str], None], expected: int
) -> None:
    write(tmp_path / "file", "text")
    assert mode(tmp_path / "file") == expected


@pytest.mark.usefixtures("open_umask")
def test_write_private_when_others_could_read_the_file_before_closes_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    (tmp_path / "file").chmod(0o644)
    write_private(tmp_path / "file", "new")
    assert mode(tmp_path / "file") == 0o600
    assert (tmp_path / "file").read_text() == "new"


def test_write_private_when_done_leaves_nothing_else_behind(tmp_path: Path) -> None:
    write_private(tmp_path / "file", "one")
    write_private(tmp_path / "file", "other")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_write_private_when_it_cannot_be_written_keeps_the_old_file(tmp_path: Path) -> None:
    write_private(tmp_path / "file", "old")
    with pytest.raises(UnicodeEncodeError):
        write_private(tmp_path / "file", "new \ud800")
    assert (tmp_path / "file").read_text() == "old"


@pytest.mark.parametrize("document", [{"b": 1, "a": [None, True, "ä"]}, [], {}])
def test_write_private_json_when_read_back_is_the_same(tmp_path: Path, document: Any) -> None:
    write_private_json(tmp_path / "file", document)
    assert json.loads((tmp_path / "file").read_text()) == document
    assert mode(tmp_path / "file") == 0o600
