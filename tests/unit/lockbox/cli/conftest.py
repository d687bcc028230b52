"""Somebody who is signed in."""

from pathlib import Path

import pytest
from tests.unit.lockbox.fake_portal import URL

from lockbox.cli.session import StoredSession, save_session


@pytest.fixture
def signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKBOX_SESSION", str(tmp_path / "session.json"))
    save_session(StoredSession(URL, "lbs_secret"))
