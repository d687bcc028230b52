"""A person who is signed in; the tree of commands, made once."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import typer.testing
from tests.unit.lockbox.fake_portal import URL

from lockbox.cli.session import StoredSession, save_session


@pytest.fixture
def signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKBOX_SESSION", str(tmp_path / "session.json"))
    save_session(StoredSession(URL, "lbs_secret"))


@pytest.fixture(scope="session", autouse=True)
def made_once() -> Iterator[None]:
    """The tree of commands, which takes longer to make than a command takes to run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", cache(typer.testing._get_command))
        yield
