from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from tests.unit.portal_service.web.portal import Portal, Services, application

from approval_service.domain.approval.approval import Approval
from lockbox.contracts.identity import Caller
from portal_service import edge

OpenAs = Callable[..., Portal]


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    return application(tmp_path_factory.mktemp("portal"))


@pytest.fixture
def open_as(app: Flask, monkeypatch: pytest.MonkeyPatch) -> OpenAs:
    """Opens the portal as a person, with these approvals known and these answers for other messages."""

    monkeypatch.setattr(edge, "OPENS_WITHIN_SECONDS", 0.1)

    def opened(person: Caller | None, *known: Approval, **answers: Any) -> Portal:
        return Portal(app, Services(*known, **answers), person)

    return opened
