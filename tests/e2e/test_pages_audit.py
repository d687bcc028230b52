"""The audit trail, in a real browser."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect
from tests.e2e.pages import Open, reload_until
from tests.people import People


def test_audit_when_filtered_shows_those_records_alone(open_as: Open, ask: Callable[..., Any], people: People) -> None:
    asked = ask()
    page = open_as("contoso_auditor", "/audit")
    page.get_by_label("Type").select_option("request_created")
    page.get_by_label("Made by (address)").fill(people.engineer.email)
    page.get_by_role("button", name="Filter").click()
    records = page.get_by_role("region", name="Records")
    reload_until(page, lambda: asked["service_request"] in records.inner_text())
    kinds = records.locator(".record-type").all_inner_texts()
    assert [kind for kind in kinds if not kind.strip().startswith("Request created")] == []
    actors = {text.removeprefix("Actor: ") for text in page.locator(".record-actor").all_text_contents()}
    assert actors == {people.engineer.email}
    record = records.locator("details").filter(has_text=asked["service_request"])
    record.locator("summary").click()
    expect(record.get_by_text(re.compile(r"^[0-9a-f]{64}$"))).to_be_visible()
    expect(record.locator("pre")).to_contain_text('"justification"')
    page.get_by_label("From (UTC)").fill("2099-01-01T00:00")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("No record fits this filter.")).to_be_visible()
    page.go_back()
    record.locator("summary").click()
    record.get_by_role("link", name="Open the request").click()
    expect(page.get_by_role("heading", name=asked["service_request"])).to_be_visible()
