"""Every event on record, of whatever version, has a sentence; nothing on record makes a page fail."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.strategies import EVERY_FACT, JSON, WORDS, messages

from lockbox.contracts import wire
from portal_service.web.wording import history
from portal_service.web.wording.line import Line
from portal_service.web.wording.sentences import SENTENCES

GOLDEN = Path(__file__).parents[4] / "contracts" / "golden"
EVENTS = {path.name: json.loads(path.read_text()) for path in sorted(GOLDEN.rglob("*.json"))}
WRONG = (None, 1, True, "x", [], ["x"], [{"name": None}], {"a": 1}, "P99999999999D")
CUSTOMER = {"name": "Approvers", "members": ["customer_approver"], "approvals": 2}


def golden(event_name: str, **changes: Any) -> Line:
    event = EVENTS[f"{event_name}.json"]
    return history.line(event["type"], event["actor"], event["data"] | changes)


def test_sentence_exists_for_every_kind_of_fact() -> None:
    assert set(EVERY_FACT) <= set(SENTENCES)


@pytest.mark.parametrize("name", EVENTS)
def test_event_of_any_version_is_worded_by_its_own_function(name: str) -> None:
    event = EVENTS[name]
    line = history.line(event["type"], event["actor"], event["data"])
    assert line.sentence != history.plain(event["type"])
    assert not set("{}[]<>") & set(line.sentence)
    assert "None" not in line.sentence


@pytest.mark.parametrize(
    "kind", sorted(SENTENCES, key=lambda kind: (kind.source, kind.type, kind.dataversion)), ids=str
)
@settings(max_examples=5)
@given(data=st.data())
def test_fact_with_any_values_of_its_contract_has_a_sentence(kind: Any, data: st.DataObject) -> None:
    fact = data.draw(messages(kind))
    line = history.line(kind.type, "alice@contoso.example", wire.encode(fact))
    assert line.sentence
    assert line.tone in {"good", "bad", "info", "quiet"}


@given(type_=st.sampled_from(sorted(history.KINDS)) | WORDS, data=st.dictionaries(WORDS, JSON))
def test_event_with_any_data_has_a_sentence(type_: str, data: dict[str, Any]) -> None:
    assert history.line(type_, "alice@contoso.example", data).sentence


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_event_with_a_wrong_value_in_a_field_has_a_sentence(name: str) -> None:
    event = EVENTS[name]
    for field, value in zip(event["data"], itertools.cycle(WRONG), strict=False):
        assert history.line(event["type"], event["actor"], event["data"] | {field: value}).sentence


def test_event_of_unknown_type_shows_its_type() -> None:
    assert history.line("moon_{landed}", "alice@contoso.example", {}) == Line("Moon {landed}", "", "info")


def test_event_with_data_of_no_version_shows_its_type() -> None:
    assert history.line("grant_revoked", "alice@contoso.example", {"comment": "x"}) == Line("Grant revoked", "", "info")


def test_event_with_more_fields_than_its_contract_is_worded_all_the_same() -> None:
    assert golden("approval_service.grant_activated.v1", later=1).sentence == "Access is open"


def test_event_with_control_characters_shows_that_they_are_there() -> None:
    line = golden("notify_service.alert_failed.v1", error="550 \u202eno\x1b")
    assert line.sentence.endswith("550 \N{REPLACEMENT CHARACTER}no\N{REPLACEMENT CHARACTER}")


def test_event_of_a_service_names_lockbox_as_its_actor() -> None:
    data = EVENTS["approval_service.grant_revoked.v1.json"]["data"]
    assert history.line("grant_revoked", "approval_service", data).sentence == "Lockbox revoked the access"


def test_stage_opened_in_an_earlier_version_has_its_quorum() -> None:
    line = golden("approval_service.stage_opened.v1", groups=[], quorum=2, stage="CUSTOMER")
    assert line.sentence.endswith("2 approvals needed")
    assert line.sentence.startswith("The customer's approvers can decide until ")


def test_stage_opened_for_an_extension_names_it_and_its_groups() -> None:
    line = golden(
        "approval_service.stage_opened.v1",
        name="Security",
        groups=[CUSTOMER, CUSTOMER | {"name": "Legal", "approvals": 1}],
        expires_at="2026-01-31T21:30:00.000000Z",
        extension=1,
    )
    assert line.sentence == (
        "Extension 1: The stage Security is open until 2026-01-31 21:30 UTC; it takes 2 of Approvers and 1 of Legal"
    )


def test_decision_with_less_in_place_of_an_earlier_one_says_both() -> None:
    line = golden(
        "approval_service.decision_recorded.v1",
        approver="alice@contoso.example",
        decision="approve",
        stage="CUSTOMER",
        counts_for=["Approvers"],
        instead=True,
        extension=None,
        changes={"duration": "PT1H", "resources": ["mailbox/alice"], "actions": None, "starts_at": None},
        comment="Alice alone.",
    )
    assert line == Line(
        "alice@contoso.example approved for the customer (Approvers), in place of an earlier decision, but less than "
        "was asked: for 1 hour, only mailbox/alice",
        "Alice alone.",
        "good",
    )


def test_decision_when_it_denies_is_bad_news() -> None:
    line = golden("approval_service.decision_recorded.v1", decision="deny", comment="No.")
    assert (line.tone, line.comment) == ("bad", "No.")
    assert " rejected for the " in line.sentence


@pytest.mark.parametrize(
    ("outcome", "sentence", "tone"),
    [
        ("approve", "opens access by itself: ", "good"),
        ("deny", "gives no access: ", "bad"),
        ("decide", "asks people to decide: ", "info"),
    ],
)
def test_evaluation_says_what_the_policy_made_of_the_request(outcome: str, sentence: str, tone: str) -> None:
    line = golden(
        "approval_service.request_evaluated.v1", outcome=outcome, why=["at most PT2H, until 2026-01-31T09:30:00Z"]
    )
    assert sentence in line.sentence
    assert "at most 2 hours, until 2026-01-31 09:30:00 UTC" in line.sentence
    assert line.tone == tone


def test_evaluation_without_stages_says_that_nobody_decides() -> None:
    line = golden("approval_service.request_evaluated.v1", outcome="decide", why=[], stages=[])
    assert line.sentence.endswith("asks people to decide: nobody")


@pytest.mark.parametrize(("required", "by"), [(True, "every stage approved it"), (False, "were not asked")])
def test_approval_says_whether_the_customer_was_asked(*, required: bool, by: str) -> None:
    assert golden("approval_service.request_approved.v1", approval_required=required).sentence.endswith(by)


def test_denial_by_the_policy_has_its_durations_in_words() -> None:
    line = golden("approval_service.request_denied.v1", denied_by="policy", comment="longer than PT4H")
    assert line == Line("The request was denied by the policy", "longer than 4 hours", "bad")


def test_denial_by_a_person_has_its_comment_as_it_was_typed() -> None:
    line = golden("approval_service.request_denied.v1", denied_by="a@b.example", comment="longer than PT4H")
    assert line == Line("The request was denied by a@b.example", "longer than PT4H", "bad")


def test_policy_of_version_1_has_its_quorum() -> None:
    line = golden("approval_service.policy_changed.v1", customer_quorum=2)
    assert line.sentence.endswith("2 approvals needed")


def test_policy_of_version_2_has_its_stages_rules_and_freezes() -> None:
    line = golden("approval_service.policy_changed.v2", proposed_by="carol@contoso.example", rules=[], freezes=[])
    assert ", decided by " in line.sentence
    assert "0 rules, 0 freezes" in line.sentence
    assert line.sentence.endswith(". carol@contoso.example had proposed it")


@pytest.mark.parametrize(
    ("name", "data", "comment"),
    [
        ("approval_service.info_requested.v1", {"question": "Which messages?"}, "Which messages?"),
        ("request_service.info_provided.v1", {"answer": "All."}, "All."),
        ("approval_service.review_resumed.v1", {"answer": "All."}, ""),
        ("approval_service.extension_requested.v1", {"justification": "Not done yet."}, "Not done yet."),
        ("approval_service.extended_without_customer.v1", {"justification": "Shown above."}, ""),
        ("approval_service.break_glass_used.v1", {"comments": ["It burns.", "It does."]}, "It burns.\nIt does."),
        ("request_service.request_created.v1", {"justification": "Shown above the history."}, ""),
        ("approval_service.stage_opened.v1", {"justification": "Shown above the history."}, ""),
        ("approval_service.access_granted.v1", {"justification": "Shown above the history."}, ""),
        ("approval_service.grant_revoked.v1", {"comment": "Enough."}, "Enough."),
        ("approval_service.policy_change_rejected.v1", {"comment": "No."}, "No."),
    ],
)
def test_text_that_the_actor_typed_stands_below_the_sentence(name: str, data: dict[str, Any], comment: str) -> None:
    assert golden(name, **data).comment == comment


@pytest.mark.parametrize(
    ("name", "data", "tone"),
    [
        ("approval_service.extension_decided.v1", {"outcome": "approve"}, "good"),
        ("approval_service.extension_decided.v1", {"outcome": "deny"}, "bad"),
        ("approval_service.extension_decided.v1", {"outcome": "lapse"}, "info"),
        ("approval_service.break_glass_used.v1", {}, "bad"),
        ("approval_service.access_granted.v1", {}, "good"),
        ("approval_service.access_denied.v1", {}, "bad"),
        ("approval_service.access_disputed.v1", {}, "bad"),
        ("approval_service.grant_expired.v1", {}, "quiet"),
        ("portal_service.signed_in.v1", {}, "quiet"),
        ("portal_service.sign_in_failed.v1", {}, "bad"),
        ("approval_service.signing_key_revoked.v1", {}, "bad"),
    ],
)
def test_tone_of_an_event_is_that_of_its_news(name: str, data: dict[str, Any], tone: str) -> None:
    assert golden(name, **data).tone == tone


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        (
            "approval_service.access_denied.v1",
            {"engineer": None, "action": "read", "resource": "a/b", "reason": "grant_revoked"},
            "An unknown caller was refused: read on a/b (grant revoked)",
        ),
        (
            "approval_service.access_disputed.v1",
            {"engineer": "e@v.example", "action": "read", "resource": "a/b", "enforcement_point": "p@v.example"},
            "p@v.example reports a use that Lockbox disputes: read on a/b of contoso by e@v.example "
            "(the grant had expired)",
        ),
        (
            "portal_service.api_token_created.v1",
            {"email": "p@v.example", "tenants": ["contoso", "fabrikam"]},
            "An API token was created for p@v.example for contoso, fabrikam",
        ),
        (
            "portal_service.api_token_changed.v1",
            {"email": "p@v.example", "tenants": ["*"]},
            "The API token of p@v.example is now for all tenants",
        ),
        (
            "approval_service.access_allowed.v1",
            {"engineer": "erin@vendor.example", "action": "read", "resource": "a/b"},
            "erin@vendor.example used the access: read on a/b",
        ),
        (
            "portal_service.member_changed.v1",
            {"email": "a@b.example", "roles": ["customer_admin"]},
            "The roles of a@b.example are now: customer admin",
        ),
        (
            "notify_service.alert_sent.v1",
            {"recipient": "a@b.example", "channel": "email", "alert": "approval_needed"},
            "a@b.example was told by email: approval needed",
        ),
        (
            "audit_service.parked_message_dropped.v1",
            {"queue": "q", "event_type": None},
            "otto@vendor.example dropped a parked message (unknown type) of the queue q",
        ),
        (
            "approval_service.break_glass_used.v1",
            {"approvers": ["a@v.example", "b@v.example"], "ends_at": "2026-01-31T21:30:00Z"},
            "a@v.example and b@v.example opened access without the customer, until 2026-01-31 21:30 UTC",
        ),
        (
            "approval_service.extension_requested.v1",
            {"requester": "e@v.example", "duration": "PT30M"},
            "e@v.example asked for 30 minutes more",
        ),
    ],
)
def test_sentence_names_the_fields_of_its_fact(name: str, data: dict[str, Any], sentence: str) -> None:
    assert golden(name, **data).sentence == sentence
