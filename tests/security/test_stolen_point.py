"""A stolen token of an enforcement point: it records nothing for other tenants or under grants that do not allow it.

It reads no policy. Each refusal has its own code and is counted. A refused use is on record as disputed.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from tests.people import People
from tests.waiting import eventually

from lockbox.embedded.stack import Stack
from lockbox.values.timestamps import format_timestamp

UNKNOWN = "0b8c3a52-6a52-4f0e-9d3c-6b1f4f2c7e55"
COUNTED = "lockbox_access_records_refused_total"
Use = dict[str, Any]


@pytest.fixture
def thief(people: People, stack: Stack) -> Iterator[httpx.Client]:
    """A client with the token of the example product, which is for contoso and fabrikam."""
    headers = {"Authorization": f"Bearer {stack.secrets.enforcement_point_token}"}
    with httpx.Client(base_url=f"{people.portal}/api/v1", headers=headers, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def grant(people: People) -> dict[str, Any]:
    found: dict[str, Any] = people.granted()["grant"]
    return found


def use(grant: dict[str, Any], **changes: Any) -> Use:
    """A use that the grant allows, but for the changes."""
    about = {"grant_id": grant["id"], "request_id": grant["request_id"], "engineer": grant["requester"]}
    what = {"tenant": "contoso", "resource": "mailbox/alice", "action": "read", "reason": "granted", "allowed": True}
    return {"access_id": str(uuid4()), "at": ago(timedelta(0)), **about, **what, **changes}


def ago(time: timedelta) -> str:
    return format_timestamp(datetime.now(UTC) - time)


def counted(stack: Stack, code: str) -> float:
    text = httpx.get(f"http://127.0.0.1:{stack.ports['approval_service']}/metrics").text
    found = re.search(rf'^{COUNTED}{{code="{code}"}} (\S+)$', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def refuse(thief: httpx.Client, stack: Stack, false: Use, code: str) -> None:
    """Send a use alone and in a batch; both times it is refused by this code, and counted."""
    before = counted(stack, code)
    alone = thief.post("/access-events", json=false)
    assert (alone.status_code, alone.json()["code"]) == (422, code)
    [refused] = thief.post("/access-events/batch", json={"attempts": [false]}).json()["refused"]
    assert (refused["access_id"], refused["code"]) == (false["access_id"], code)
    assert counted(stack, code) == before + 2


def on_record(reader: Any, tenant: str, false: Use) -> list[tuple[str, str]]:
    """The records of a use: their types, and the codes of disputes."""
    trail = [record for record in reader.trail(tenant) if record["data"].get("access_id") == false["access_id"]]
    return [(record["type"], record["data"].get("code", "")) for record in trail]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"engineer": "eve.engineer@vendor.example"}, "grant_of_another_engineer"),
        ({"request_id": UNKNOWN}, "grant_of_another_request"),
        ({"grant_id": UNKNOWN}, "grant_unknown"),
        ({"grant_id": None}, "grant_unknown"),
        ({"resource": "mailbox/bob"}, "outside_grant"),
        ({"action": "export"}, "outside_grant"),
        ({"at": "2020-01-01T00:00:00Z"}, "at_out_of_range"),
        ({"at": ago(timedelta(days=-1))}, "at_out_of_range"),
        ({"at": ago(timedelta(days=1))}, "at_out_of_range"),
    ],
)
def test_use_when_its_grant_or_time_contradicts_it_is_refused_and_disputed_on_record(
    thief: httpx.Client, stack: Stack, people: People, grant: dict[str, Any], changes: Use, code: str
) -> None:
    false = use(grant, **changes)
    refuse(thief, stack, false, code)
    assert eventually(lambda: on_record(people.contoso_auditor, "contoso", false)) == [("access_disputed", code)]


def test_use_when_its_grant_is_of_another_tenant_is_refused_and_disputed_on_record(
    thief: httpx.Client, stack: Stack, people: People, grant: dict[str, Any]
) -> None:
    false = use(grant, tenant="fabrikam")
    refuse(thief, stack, false, "grant_of_another_tenant")
    found = eventually(lambda: on_record(people.fabrikam_admin, "fabrikam", false))
    assert found == [("access_disputed", "grant_of_another_tenant")]


@pytest.mark.parametrize("allowed", [True, False])
def test_use_when_the_token_is_not_for_the_tenant_is_refused_and_stays_out_of_its_record(
    thief: httpx.Client, stack: Stack, people: People, grant: dict[str, Any], *, allowed: bool
) -> None:
    false = use(grant, tenant="northwind", allowed=allowed)
    refuse(thief, stack, false, "tenant_not_of_token")
    if allowed:
        found = eventually(lambda: on_record(people.vendor_auditor, "vendor", false))
        assert found == [("access_disputed", "tenant_not_of_token")]
    assert on_record(people.northwind_auditor, "northwind", false) == []


def after(moment: str) -> str:
    """A time just beyond the slack after a moment, as soon as that is no time of the future."""
    late = datetime.fromisoformat(moment) + timedelta(seconds=91)
    eventually(lambda: late < datetime.now(UTC) + timedelta(seconds=90))
    return format_timestamp(late)


def test_use_when_its_grant_was_revoked_before_is_refused_and_one_from_a_spool_is_not(
    thief: httpx.Client, stack: Stack, people: People
) -> None:
    grant = people.granted()["grant"]
    spooled = use(grant)
    ended = people.contoso_admin.post(f"/grants/{grant['id']}/revoke", {"comment": "enough"}).json()
    assert thief.post("/access-events/batch", json={"attempts": [spooled]}).json() == {"refused": []}
    assert eventually(lambda: on_record(people.contoso_auditor, "contoso", spooled)) == [("access_allowed", "")]
    refuse(thief, stack, use(grant, at=after(ended["ended_at"])), "grant_revoked")


def test_use_when_its_grant_expired_is_refused(thief: httpx.Client, stack: Stack, people: People) -> None:
    grant = people.granted(duration="PT1S")["grant"]
    refuse(thief, stack, use(grant, at=after(grant["ends_at"])), "grant_expired")


@pytest.mark.parametrize("tenant", ["contoso", "fabrikam", "northwind", "tailspin"])
def test_policy_when_read_by_an_enforcement_point_is_refused(thief: httpx.Client, tenant: str) -> None:
    answer = thief.get(f"/tenants/{tenant}/policy")
    assert (answer.status_code, answer.json()["code"]) == (403, "role_required")


@pytest.mark.parametrize("name", ["engineer", "operator"])
def test_policy_when_read_by_people_who_do_not_judge_requests_is_refused(people: People, name: str) -> None:
    answer = getattr(people, name).http.get("/tenants/contoso/policy")
    assert (answer.status_code, answer.json()["code"]) == (403, "role_required")


@pytest.mark.parametrize("path", ["/requests", "/grants", "/tenants/contoso/audit", "/tenants/contoso/usage"])
def test_token_when_it_reads_what_people_read_shows_nothing(thief: httpx.Client, path: str) -> None:
    answer = thief.get(path)
    assert answer.status_code == 403 or answer.json()["items"] == []


def test_use_when_nothing_contradicts_it_is_on_record(
    thief: httpx.Client, people: People, grant: dict[str, Any]
) -> None:
    true = use(grant)
    assert thief.post("/access-events", json=true).status_code == 201
    assert eventually(lambda: on_record(people.contoso_auditor, "contoso", true)) == [("access_allowed", "")]
