"""docs/two-doors.md: the application that it shows serves customers by session and engineers by grant."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.unit.lockbox.guard.scene import ALICE, HERS, ISSUER, grant
from tests.unit.lockbox.guard.stand_in import StandIn, portal_of
from tests.waiting import eventually
from werkzeug.test import Client

from lockbox.crypto.possession import prove_session

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "two-doors.md").read_text()
ORIGIN = "http://127.0.0.1:8493"
OWN = {"X-Session": "session of contoso"}


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    monkeypatch.chdir(tmp_path)
    with portal_of(ISSUER.jwk) as portal:
        configuration = (ROOT / "examples" / "nginx" / "guard.toml").read_text()
        Path("token").write_text("lbk_secret")
        Path("guard.toml").write_text(configuration.replace("http://127.0.0.1:8480", portal.url))
        yield portal


@pytest.fixture
def product(portal: StandIn) -> Iterator[dict[str, Any]]:
    """The application of the page, with a guard that is ready."""
    [block] = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {"__name__": "product"}
    exec(compile(block, "docs/two-doors.md", "exec"), names)  # noqa: S102 - it is our own page
    eventually(lambda: names["request_guard"].guard.ready)
    yield names
    names["request_guard"].guard.stop()


def with_grant() -> dict[str, str]:
    token = grant()
    proof = prove_session(HERS, ORIGIN, time.time(), str(uuid4()), token)
    return {"Cookie": f"lockbox_grant={token}; lockbox_proof={proof}"}


def status(application: Any, headers: dict[str, str]) -> int:
    return Client(application, use_cookies=False).get(ALICE, headers=headers).status_code


def test_customer_entrance_when_asked_goes_by_the_session_alone(product: dict[str, Any]) -> None:
    assert status(product["customers"], OWN) == 200
    assert status(product["customers"], {}) == 403
    assert status(product["customers"], {"X-Session": "session of fabrikam"}) == 403
    assert status(product["customers"], with_grant()) == 403
    assert status(product["customers"], {"Lockbox-Grant": "any", "Lockbox.Decision": "any"}) == 403


def test_engineer_entrance_when_asked_goes_by_the_grant_alone(product: dict[str, Any], portal: StandIn) -> None:
    assert status(product["engineers"], with_grant()) == 200
    assert status(product["engineers"], {}) == 401
    assert status(product["engineers"], OWN) == 401
    assert [record["reason"] for record in portal.records] == ["granted", "no_grant", "no_grant"]


def test_nginx_when_shown_passes_no_header_of_the_guard_at_the_customer_entrance() -> None:
    [block] = re.findall(r"^```nginx\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    product = (ROOT / "examples" / "nginx" / "lockbox.conf").read_text()
    cleared = set(re.findall(r'proxy_set_header (Lockbox-\w+) "";', block))
    assert cleared == set(re.findall(r"proxy_set_header (Lockbox-\w+) \$", product))
    assert "proxy_pass http://product;" in block
    assert "auth_request" not in block
