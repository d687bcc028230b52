"""Granted versus used: by REST, by command, and on its page."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import expect
from tests.e2e.pages import Open, barriers
from tests.people import People
from tests.waiting import eventually

from lockbox.embedded.stack import Stack

WIDTHS = [1440, 375]
UNKNOWN = "0b8c3a52-6a52-4f0e-9d3c-6b1f4f2c7e55"


@pytest.fixture(scope="module")
def story(people: People) -> dict[str, Any]:
    """Two grants to fabrikam: one that was used, and not for all that it allows, and one that never was."""
    terms = {"tenant": "fabrikam", "resources": ["mailbox/fiona", "files/*"], "actions": ["read", "export"]}
    unused = people.granted(tenant="fabrikam", service_request="SR-810001", resources=["calendar/fiona"])["grant"]
    used = people.granted(**terms, service_request="SR-810002", duration="PT2H")["grant"]
    token = people.engineer.grant_token(used["id"])
    for path, status in (("mailbox/fiona", 200), ("mailbox/fiona", 200), ("mailbox/bob", 403)):
        assert people.use(token, f"fabrikam/{path}").status_code == status
    assert people.use(None, "fabrikam/mailbox/fiona").status_code == 401
    revoked = people.fabrikam_admin.post(f"/grants/{used['id']}/revoke", {"comment": "enough"})
    assert revoked.status_code == 200, revoked.text
    found: dict[str, Any] = eventually(lambda: told(people, used["id"]))
    return {"used": used, "unused": unused, "report": found}


def told(people: People, grant_id: str) -> dict[str, Any] | None:
    """The report, as soon as it knows of all that was done."""
    report: dict[str, Any] = people.fabrikam_admin.get("/tenants/fabrikam/usage")
    [used] = [one for one in report["items"] if one["grant_id"] == grant_id] or [None]
    done = used and used["state"] == "REVOKED" and (used["used"]["times"], used["refused"]["times"]) == (2, 1)
    return report if done and report["without_grant"]["times"] else None


# --- REST ----------------------------------------------------------------------------------------------------------


def test_report_says_what_was_allowed_and_what_was_done(story: dict[str, Any], people: People) -> None:
    [used] = [one for one in story["report"]["items"] if one["grant_id"] == story["used"]["id"]]
    assert (used["service_request"], used["engineer"]) == ("SR-810002", people.engineer.email)
    assert (used["resources"], used["actions"]) == (["mailbox/fiona", "files/*"], ["read", "export"])
    assert (used["starts_at"], used["ends_at"]) == (story["used"]["starts_at"], story["used"]["ends_at"])
    assert used["ended_by"] == people.fabrikam_admin.email
    [touched] = used["touched"]
    assert (touched["resource"], touched["action"], touched["times"]) == ("mailbox/fiona", "read", 2)
    assert used["starts_at"] < touched["first_at"] < touched["last_at"] < used["ended_at"]
    [refused] = used["refusals"]
    assert (refused["resource"], refused["reason"], refused["times"]) == ("mailbox/bob", "other_resource", 1)
    assert (used["untouched_resources"], used["untouched_actions"]) == (["files/*"], ["export"])
    assert not used["never_used"]
    [unused] = [one for one in story["report"]["items"] if one["grant_id"] == story["unused"]["id"]]
    assert (unused["never_used"], unused["state"], unused["touched"]) == (True, "ACTIVE", [])
    assert story["report"]["without_grant"]["times"] >= 1
    assert "no_grant" in {one["reason"] for one in story["report"]["without_grant"]["reasons"]}
    assert story["report"]["never_used"] >= 1


def test_report_when_an_access_is_sent_again_counts_it_once(people: People, stack: Stack) -> None:
    grant = people.granted()["grant"]
    headers = {"Authorization": f"Bearer {stack.secrets.enforcement_point_token}"}
    about = {"grant_id": grant["id"], "request_id": grant["request_id"], "engineer": grant["requester"]}
    what = {"tenant": "contoso", "resource": "mailbox/alice", "action": "read", "reason": "granted", "allowed": True}
    first, second = ({"access_id": str(uuid4()), "at": grant["starts_at"], **about, **what} for _ in range(2))
    denied = {**first, "allowed": False, "reason": "other_action"}
    with httpx.Client(base_url=f"{people.portal}/api/v1", headers=headers, timeout=30) as point:
        for attempts in ([first], [first], [denied, first]):
            assert point.post("/access-events/batch", json={"attempts": attempts}).status_code == 200
        for attempt in (first, denied, second):
            assert point.post("/access-events", json=attempt).status_code == 201

    def usage() -> Any:
        """As soon as what was sent last is on record, which is when all is."""
        found = people.contoso_auditor.get(f"/tenants/contoso/usage/{grant['id']}")
        return found if found["used"]["times"] >= 2 else None

    found = eventually(usage)
    assert (found["used"]["times"], found["refused"]["times"]) == (2, 0)
    trail = people.contoso_auditor.trail("contoso", subject=grant["id"])
    ids = [record["data"]["access_id"] for record in trail if record["type"].startswith("access_allowed")]
    assert sorted(ids) == sorted([first["access_id"], second["access_id"]])


def test_report_when_read_by_roles_shows_each_its_own(story: dict[str, Any], people: People) -> None:
    for path in ("", f"/{story['used']['id']}"):
        for reader in (people.vendor_auditor, people.fabrikam_admin, people.fabrikam_approver):
            assert reader.get(f"/tenants/fabrikam/usage{path}")
        for person, status, code in (
            (people.engineer, 403, "role_required"),
            (people.vendor_approver, 403, "role_required"),
            (people.operator, 403, "role_required"),
            (people.contoso_admin, 404, "tenant_not_found"),
        ):
            answer = person.http.get(f"/tenants/fabrikam/usage{path}")
            assert (answer.status_code, answer.json()["code"]) == (status, code)
    foreign = people.contoso_admin.http.get(f"/tenants/contoso/usage/{story['used']['id']}")
    assert (foreign.status_code, foreign.json()["code"]) == (404, "grant_not_found")
    assert people.vendor_auditor.http.get("/tenants/vendor/usage").status_code == 404
    assert people.vendor_auditor.http.get("/tenants/No-Name/usage").status_code == 404


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"from": "yesterday"}, "invalid_from"),
        ({"from": "2026-02-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, "invalid_to"),
        ({"from": "2020-01-01T00:00:00Z"}, "invalid_from"),
        ({"cursor": "nonsense"}, "invalid_cursor"),
        ({"limit": "201"}, "invalid_limit"),
        ({"until": "2026-01-01T00:00:00Z"}, "unknown_field"),
    ],
)
def test_report_when_the_query_is_wrong_names_the_field(people: People, query: dict[str, str], code: str) -> None:
    answer = people.fabrikam_admin.http.get("/tenants/fabrikam/usage", params=query)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def test_report_when_paged_goes_on_where_the_part_ended(story: dict[str, Any], people: People) -> None:
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = people.fabrikam_admin.get("/tenants/fabrikam/usage", limit=1, **cursor)
        ids += [one["grant_id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert ids[:2] == [story["used"]["id"], story["unused"]["id"]]
    assert len(ids) == len(set(ids)) == page["grants"]


# --- the command ---------------------------------------------------------------------------------------------------


@pytest.fixture
def lockbox(tmp_path: Path, people: People) -> Callable[..., str]:
    """Runs the command as an administrator of fabrikam."""
    session = str(tmp_path / "session.json")
    account = people.accounts["fabrikam_admin"]
    environment = {**os.environ, "LOCKBOX_SESSION": session, "LOCKBOX_PASSWORD": account["password"], "COLUMNS": "200"}

    def run(*arguments: str) -> str:
        command = [str(Path(sys.executable).with_name("lockbox")), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("login", "--url", people.portal, "--email", account["email"])
    return run


def test_usage_by_command_shows_what_was_used_and_what_was_not(
    story: dict[str, Any], lockbox: Callable[..., str]
) -> None:
    said = lockbox("usage", "fabrikam")
    assert "Grants given from" in said
    assert f"{story['unused']['id']}  never used" in said
    assert any(line.startswith(story["used"]["id"]) and "  2  " in line for line in said.splitlines())
    assert "other_resource" in said
    one = json.loads(lockbox("usage", "fabrikam", "--grant", story["used"]["id"], "--json"))
    assert (one["used"]["times"], one["refused"]["times"]) == (2, 1)
    every = json.loads(lockbox("usage", "fabrikam", "--all", "--limit", "1", "--json"))
    assert (len(every["items"]), every["next_cursor"]) == (every["grants"], None)


# --- the page ------------------------------------------------------------------------------------------------------


def test_page_shows_what_each_grant_allowed_and_what_was_done(
    open_as: Open, story: dict[str, Any], people: People
) -> None:
    page = open_as("fabrikam_approver", "/grants")
    page.get_by_role("link", name="Granted versus used").click()
    used = page.get_by_role("listitem").filter(has_text="SR-810002").first
    expect(used).to_contain_text("Used 2 times")
    expect(used).to_contain_text("Refused once")
    expect(used).to_contain_text("Granted, but never touched: export")
    expect(page.get_by_role("listitem").filter(has_text="SR-810001").first).to_contain_text("Never used so far")
    expect(page.get_by_role("region", name="Refused without a grant")).to_contain_text("No grant")
    expect(used.get_by_role("link", name="Every use in the audit trail")).to_have_count(0)
    used.get_by_role("link", name="SR-810002", exact=True).click()
    expect(page.get_by_role("heading", name="SR-810002")).to_contain_text("Revoked")
    rows = page.get_by_role("table", name="What was used").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("mailbox/fiona")
    page.get_by_role("link", name="The request and its history").click()
    expect(page.get_by_role("heading", name="SR-810002")).to_be_visible()


def test_page_when_an_auditor_reads_it_leads_to_every_use_in_the_trail(open_as: Open, story: dict[str, Any]) -> None:
    page = open_as("vendor_auditor", "/grants/usage?tenant=fabrikam")
    used = page.get_by_role("listitem").filter(has_text="SR-810002").first
    used.get_by_role("link", name="Every use in the audit trail").click()
    types = page.locator(".record-type").all_inner_texts()
    assert sum(text.startswith("Access allowed") for text in types) == 2
    assert sum(text.startswith("Access denied") for text in types) == 1


def test_page_when_filtered_shows_the_grants_of_that_period_alone(open_as: Open, story: dict[str, Any]) -> None:
    page = open_as("fabrikam_admin", "/grants/usage")
    page.get_by_label("Granted from (UTC)").fill("2026-01-01T00:00")
    page.get_by_label("Granted until (UTC)").fill("2026-01-02T00:00")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No access was granted in this period.")).to_be_visible()
    page.get_by_label("Granted until (UTC)").fill("2025-12-31T00:00")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#to-error")).to_contain_text("Expected a moment after the one that the period begins with.")
    expect(page.get_by_role("listitem").filter(has_text="SR-810002")).to_have_count(0)


@pytest.mark.parametrize(
    ("name", "path", "status"),
    [
        ("engineer", "/grants/usage", 403),
        ("vendor_approver", "/grants/usage", 403),
        ("fabrikam_admin", f"/grants/usage/{UNKNOWN}", 404),
        ("fabrikam_admin", "/grants/usage?cursor=nonsense", 422),
        ("vendor_auditor", "/grants/usage?tenant=No", 422),
    ],
)
def test_page_when_it_can_not_be_shown_says_so(
    browse: Callable[[str], httpx.Client], name: str, path: str, status: int
) -> None:
    answer = browse(name).get(path)
    assert answer.status_code == status
    assert "Sign out" in answer.text


@pytest.mark.parametrize("path", ["", "/{id}"])
def test_page_is_accessible_fits_and_logs_no_error(
    open_as: Open, people: People, story: dict[str, Any], path: str
) -> None:
    page = open_as("fabrikam_admin", "/queue")
    logged: list[str] = []
    page.on("console", lambda message: logged.append(message.text) if message.type in {"error", "warning"} else None)
    answer = page.goto(f"{people.portal}/grants/usage{path.format(id=story['used']['id'])}")
    assert answer is not None
    assert answer.status == 200
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if shots := os.environ.get("LOCKBOX_SCREENSHOTS"):
            page.screenshot(path=f"{shots}/usage{'-grant' if path else ''}-{width}.png", full_page=True)
        assert barriers(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert logged == []
