from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import (
    ALICE,
    AUDITOR,
    ENGINEER,
    FRANK,
    NOW,
    OWN_LEAD,
    REQUEST_ID,
    VENDOR_APPROVER,
    approval,
    ask_back,
    cancel,
    decide,
    digest_of,
)

from approval_service.domain.approval import answer as answers
from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.operations import information
from lockbox.contracts.events import Changed
from lockbox.contracts.identity import Caller
from lockbox.contracts.request.facts import InfoProvided
from lockbox.contracts.request.terms import RequestState
from lockbox.errors import Conflict, Forbidden, NotFound

SOON = NOW + timedelta(minutes=5)


def ask(one: Approval, by: Caller = VENDOR_APPROVER, question: str = "Which index?") -> Changed[Approval]:
    return ask_back(one, by, question, SOON)


def answer(one: Approval, number: int = 1, text: str = "The first.", now: Any = SOON) -> Changed[Approval]:
    told = InfoProvided(tenant="contoso", request_id=REQUEST_ID, requester=ENGINEER.email, number=number, answer=text)
    return answers.receive(one, told, now)


def types(changed: Changed[Approval]) -> list[str]:
    return [fact.type for fact in changed.facts]


def test_question_when_asked_waits_for_the_engineer_and_the_clock_runs_on() -> None:
    changed = ask(approval())
    assert changed.state.state == RequestState.INFO_REQUESTED
    assert types(changed) == ["info_requested"]
    assert changed.state.expires_at == approval().expires_at
    assert changed.state.advance(NOW + timedelta(hours=12)).state.state == RequestState.EXPIRED


def test_answer_when_it_arrives_lets_the_stage_go_on_and_is_shown() -> None:
    asked = ask(approval()).state
    changed = answer(asked)
    assert changed.state.state == RequestState.PENDING_VENDOR
    assert types(changed) == ["review_resumed"]
    assert [(note.kind, note.text) for note in changed.state.notes] == [
        ("question", "Which index?"),
        ("answer", "The first."),
    ]
    assert digest_of(changed.state) != digest_of(asked)


def test_questions_when_there_are_many_can_be_asked_again_and_again() -> None:
    one = approval()
    for number in (1, 2, 3):
        one = answer(ask(one).state, number).state
    assert [note.number for note in one.notes if note.kind == "answer"] == [1, 2, 3]


def test_answers_when_delivered_twice_or_out_of_order_are_each_known_once() -> None:
    one = ask(ask(approval()).state, question="And why?").state
    second = answer(one, 2).state
    both = answer(second, 1).state
    assert sorted(note.number for note in both.notes if note.kind == "answer") == [1, 2]
    assert answer(both, 2) == Changed(both)


def test_question_when_open_does_not_keep_anybody_from_deciding() -> None:
    asked = ask(approval()).state
    assert decide(asked, VENDOR_APPROVER, "deny", now=SOON).state.state == RequestState.DENIED
    assert decide(asked, VENDOR_APPROVER, now=SOON).state.state == RequestState.PENDING_CUSTOMER


def test_question_when_open_does_not_keep_the_engineer_from_cancelling() -> None:
    assert cancel(ask(approval()).state, ENGINEER, "", SOON).state.state == RequestState.CANCELLED


@pytest.mark.parametrize(
    ("by", "kind", "code"),
    [
        (ENGINEER, Forbidden, "role_required"),
        (OWN_LEAD, Forbidden, "own_request"),
        (ALICE, Forbidden, "not_your_stage"),
        (AUDITOR, Forbidden, "role_required"),
        (FRANK, NotFound, "request_not_found"),
    ],
)
def test_question_when_asked_by_somebody_who_cant_decide_is_refused(by: Caller, kind: Any, code: str) -> None:
    with pytest.raises(kind) as refused:
        ask(approval(), by)
    assert refused.value.code == code


def test_question_when_the_request_has_ended_is_refused() -> None:
    denied = decide(approval(), VENDOR_APPROVER, "deny", now=SOON).state
    with pytest.raises(Conflict) as refused:
        ask(denied)
    assert refused.value.code == "request_denied"


def test_answer_when_it_comes_too_late_changes_nothing_but_what_time_did() -> None:
    denied = decide(ask(approval()).state, VENDOR_APPROVER, "deny", now=SOON).state
    assert answer(denied) == Changed(denied)
    late = answer(ask(approval()).state, now=NOW + timedelta(hours=13))
    assert types(late) == ["request_expired"]


def test_questions_when_there_are_too_many_are_refused() -> None:
    one = approval()
    for _ in range(information.MOST_QUESTIONS):
        one = ask(one).state
    with pytest.raises(Conflict) as refused:
        ask(one)
    assert refused.value.code == "too_many_questions"
