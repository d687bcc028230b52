"""Every event that can stand in a trail, of whatever version, is told in a sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from portal_service.web.wording import history

GOLDEN = Path(__file__).parents[4] / "contracts" / "golden"
EVENTS = {path.name: json.loads(path.read_text()) for path in sorted(GOLDEN.rglob("*.json"))}
UNTOLD = ("parked_message",)
CUSTOMER = {"name": "Approvers", "members": ["customer_approver"], "approvals": 2}


def told(type_: str, data: dict[str, Any], actor: str = "alice@contoso.example") -> history.Line:
    return history.line(type_, actor, data)


@pytest.mark.parametrize("name", [name for name in EVENTS if not any(kind in name for kind in UNTOLD)])
def test_event_of_any_version_is_told_whole(name: str) -> None:
    event = EVENTS[name]
    line = history.line(event["type"], event["actor"], event["data"])
    assert event["type"] in history.SENTENCES
    assert "…" not in line.sentence
    assert not set("{}[]") & set(line.sentence)


def test_event_of_unknown_type_shows_its_type() -> None:
    assert told("moon_{landed}", {}).sentence == "Moon {landed}"


@pytest.mark.parametrize("type_", sorted(history.SENTENCES))
@pytest.mark.parametrize("value", [None, 1, True, "x", [], ["x"], [{"name": None}], {"a": 1}], ids=repr)
def test_event_whose_data_is_not_as_it_should_be_is_told_all_the_same(type_: str, value: Any) -> None:
    names = ("groups", "stages", "changes", "why", "limits", "outcome", "duration", "ends_at", "comments", "quorum")
    assert told(type_, dict.fromkeys(names, value)).sentence


def test_stage_when_opened_in_an_earlier_version_has_its_quorum() -> None:
    data = {"stage": "CUSTOMER", "quorum": 2, "expires_at": "2026-01-31T21:30:00.000000Z"}
    assert told("stage_opened", data).sentence == (
        "The customer's approvers can decide until 2026-01-31 21:30 UTC; 2 approvals needed"
    )


def test_stage_when_opened_for_an_extension_says_so_and_whom_it_takes() -> None:
    data = {
        "stage": "CUSTOMER",
        "name": "Security",
        "groups": [CUSTOMER, CUSTOMER | {"name": "Legal", "approvals": 1}],
        "expires_at": "2026-01-31T21:30:00.000000Z",
        "extension": 1,
    }
    assert told("stage_opened", data).sentence == (
        "Extension 1: The stage Security is open until 2026-01-31 21:30 UTC; it takes 2 of Approvers and 1 of Legal"
    )


def test_decision_when_less_was_allowed_in_place_of_an_earlier_word_says_both() -> None:
    data = {
        "approver": "alice@contoso.example",
        "decision": "approve",
        "stage": "CUSTOMER",
        "counts_for": ["Approvers"],
        "instead": True,
        "changes": {"duration": "PT1H", "resources": ["mailbox/alice"], "actions": None, "starts_at": None},
        "comment": "Alice alone.",
    }
    assert told("decision_recorded", data) == history.Line(
        "alice@contoso.example approved for the customer (Approvers), in place of an earlier word, but less than was "
        "asked: for 1 hour, only mailbox/alice",
        "Alice alone.",
        "good",
    )


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"customer_quorum": 2}, "2 approvals needed"),
        ({"stages": [{"name": "Vendor"}, {"name": "Owner"}], "rules": [], "freezes": [{}]}, "decided by Vendor, then"),
        ({"stages": [], "proposed_by": "carol@contoso.example"}, "carol@contoso.example had proposed it"),
    ],
)
def test_policy_of_either_version_says_who_decides(data: dict[str, Any], sentence: str) -> None:
    assert sentence in told("policy_changed", data).sentence


@pytest.mark.parametrize(
    ("type_", "data", "said"),
    [
        ("info_requested", {"question": "Which messages?"}, "Which messages?"),
        ("info_provided", {"answer": "All."}, "All."),
        ("review_resumed", {"answer": "All."}, ""),
        ("extension_requested", {"justification": "Not done yet."}, "Not done yet."),
        ("break_glass_used", {"comments": ["It burns.", "So it does."]}, "It burns.\nSo it does."),
        ("request_created", {"justification": "Shown above the history."}, ""),
    ],
)
def test_what_was_said_with_an_event_stands_below_it(type_: str, data: dict[str, Any], said: str) -> None:
    assert told(type_, data).comment == said


@pytest.mark.parametrize(
    ("type_", "data", "tone"),
    [
        ("extension_decided", {"outcome": "approve"}, "good"),
        ("extension_decided", {"outcome": "deny"}, "bad"),
        ("extension_decided", {"outcome": "lapse"}, "info"),
        ("request_evaluated", {"outcome": "deny"}, "bad"),
        ("request_evaluated", {"outcome": "decide"}, "info"),
        ("break_glass_used", {}, "bad"),
    ],
)
def test_tone_of_an_event_is_that_of_its_news(type_: str, data: dict[str, Any], tone: str) -> None:
    assert told(type_, data).tone == tone
