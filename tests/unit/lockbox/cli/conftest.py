"""A person who is signed in, and the parts that all commands share."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from ssl import SSLContext
from typing import Any

import httpx
import pytest
import typer.testing
from httpx._transports import default
from tests.unit.lockbox.fake_portal import URL

from lockbox.cli.session import StoredSession, save_session

AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture
def signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKBOX_SESSION", str(tmp_path / "session.json"))
    save_session(StoredSession(URL, "lbs_secret"))


@pytest.fixture(scope="session", autouse=True)
def made_once() -> Iterator[None]:
    """The tree of commands, and the settings of TLS: each takes longer to make than a command takes to run."""

    @cache
    def made(_authorities: tuple[str | None, ...], **settings: Any) -> SSLContext:
        return httpx.create_ssl_context(**settings)

    def tls(**settings: Any) -> SSLContext:
        return made(tuple(map(os.getenv, AUTHORITIES)), **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", cache(typer.testing._get_command))
        patch.setattr(default, "create_ssl_context", tls)
        yield
