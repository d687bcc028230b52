"""The network, cut off: httpx's own transport is replaced by a fake portal, everything above it is real."""

from collections.abc import Iterator

import httpx
import pytest
from tests.unit.lockbox.fake_portal import FakePortal


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakePortal]:
    fake = FakePortal()
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", lambda _transport, request: fake.handle(request))
    yield fake
    assert all(request.url.host == "lockbox.example" for request in fake.requests)
