"""The audit trail, in a real browser."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.sync_api import expect
from tests.e2e.pages import Open, reload_until
from tests.people import People


def test_audit_when_filtered_by_type_shows_those_alone(open_as: Open, ask: Callable[..., Any]) -> None:
    asked = ask()
    page = open_as("contoso_auditor", "/audit")
    page.get_by_label("Type").select_option("request_created")
    page.get_by_role("button", name="Filter").click()
    records = page.get_by_role("region", name="Records")
    reload_until(page, lambda: asked["service_request"] in records.inner_text())
    kinds = {text.split("\n")[0].strip() for text in records.locator(".record-type").all_inner_texts()}
    assert {kind.removesuffix(f" {kind.split()[-1]}") if "SR-" in kind else kind for kind in kinds} == {
        "Request created"
    }
    record = records.locator("details").filter(has_text=asked["service_request"])
    record.locator("summary").click()
    expect(record.get_by_text(re.compile(r"^[0-9a-f]{64}$"))).to_be_visible()
    expect(record.locator("pre")).to_contain_text('"justification"')
    record.get_by_role("link", name="Open the request").click()
    expect(page.get_by_role("heading", name=asked["service_request"])).to_be_visible()


def test_audit_when_filtered_by_actor_and_time_shows_those_alone(open_as: Open, people: People) -> None:
    page = open_as("contoso_admin", "/audit")
    actor = people.accounts["contoso_admin"]["email"]
    page.get_by_label("Actor").fill(actor)
    page.get_by_label("From (UTC)").fill(f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M}")
    page.get_by_role("button", name="Filter").click()
    actors = page.locator(".record-actor")
    expect(actors.first).to_be_visible()
    assert {text.removeprefix("Actor: ") for text in actors.all_text_contents()} == {actor}
    page.get_by_label("From (UTC)").fill("2099-01-01T00:00")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No record fits this filter.")).to_be_visible()


def test_audit_when_paged_goes_on_where_the_page_ended(open_as: Open, ask: Callable[..., Any]) -> None:
    for _ in range(20):
        ask()
    page = open_as("contoso_auditor", "/audit")
    reload_until(page, lambda: page.get_by_role("link", name="Older").count() == 1)
    first = page.locator(".record-body dl").first.text_content()
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_role("link", name="Newest")).to_be_visible()
    assert page.locator(".record-body dl").first.text_content() != first
