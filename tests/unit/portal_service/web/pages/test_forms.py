"""Forms as a browser gets them: the attributes of their fields reach the page."""

import re
from typing import Any

import pytest
from tests.unit.builders import ENGINEER, REQUEST_ID, VENDOR_APPROVER, approval, granted
from tests.unit.portal_service.web.conftest import OpenAs

REQUIRED, OFF = {"required": "required"}, {"autocomplete": "off"}
NEW, VOTE = "/requests/new", f"/requests/{REQUEST_ID}/approve"
EXTEND = f"/grants/{granted().granted().id}/extend"
FIELDS: list[tuple[Any, str, str, dict[str, str]]] = [
    (None, "/sign-in", "email", {"type": "email", "autocomplete": "username", "autofocus": "autofocus", **REQUIRED}),
    (None, "/sign-in", "password", {"type": "password", "autocomplete": "current-password", **REQUIRED}),
    (ENGINEER, NEW, "service_request", {**OFF, **REQUIRED}),
    (ENGINEER, NEW, "justification", {"maxlength": "4000", "rows": "4", **REQUIRED}),
    (ENGINEER, NEW, "resources", {"spellcheck": "false", **REQUIRED}),
    (ENGINEER, NEW, "duration", OFF),
    (ENGINEER, NEW, "starts_at", {"type": "datetime-local"}),
    (VENDOR_APPROVER, VOTE, "duration", OFF),
    (VENDOR_APPROVER, VOTE, "comment", {"maxlength": "2000"}),
    (VENDOR_APPROVER, f"/requests/{REQUEST_ID}", "comment", {"maxlength": "2000"}),
    (VENDOR_APPROVER, f"/requests/{REQUEST_ID}/ask", "question", {"maxlength": "4000"}),
    (ENGINEER, EXTEND, "justification", {"maxlength": "4000", **REQUIRED}),
    (ENGINEER, EXTEND, "duration", {**OFF, **REQUIRED}),
]


@pytest.mark.parametrize(("person", "path", "name", "expected"), FIELDS)
def test_field_has_the_attributes_that_browsers_and_screen_readers_need(
    open_as: OpenAs, person: Any, path: str, name: str, expected: dict[str, str]
) -> None:
    one = granted() if path == EXTEND else approval()
    page = open_as(person, *([one] if person else [])).get(path)
    [tag] = re.findall(rf'<(?:input|textarea|select)[^>]*\bid="{name}"[^>]*>', page.html)
    assert dict(re.findall(r'([a-z-]+)="([^"]*)"', tag)).items() >= expected.items()


def test_steps_of_a_request_say_their_state_to_screen_readers(open_as: OpenAs) -> None:
    page = open_as(VENDOR_APPROVER, approval()).get(f"/requests/{REQUEST_ID}")
    steps = re.findall(r'<p class="step-title"><span class="visually-hidden">([^<]*)</span>', page.html)
    assert len(steps) == page.html.count('class="step ') > 2
    assert set(steps) <= {"Done: ", "Now: ", "Ended here: ", "Later: ", "Left out: "}
    assert page.html.count('aria-current="step"') == steps.count("Now: ") == 1


def test_resources_of_a_request_are_a_list_that_begins_with_its_patterns(open_as: OpenAs) -> None:
    resources = (*(f"mailbox/{number}" for number in range(20)), "files/**")
    page = open_as(VENDOR_APPROVER, approval(resources=resources)).get(f"/requests/{REQUEST_ID}")
    [first, more] = re.findall(
        r'<ul class="items" aria-label="(?:More )?[Rr]esources">(.*?)</ul>', page.html, re.DOTALL
    )
    assert (first.count("<li>"), more.count("<li>")) == (10, 11)
    assert first.index("everything below files") < first.index("mailbox/<wbr>0")
    assert "<summary>and 11 more</summary>" in page.html
