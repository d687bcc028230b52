from datetime import timedelta

from tests.unit.builders import ENGINEER, NOW, REQUEST_ID, VENDOR_APPROVER, approval, ask_back

from approval_service.domain.approval import answer
from lockbox.contracts.events import Changed
from lockbox.contracts.request.facts import InfoProvided
from lockbox.contracts.request.terms import RequestState

ANSWER = InfoProvided(tenant="contoso", request_id=REQUEST_ID, requester=ENGINEER.email, number=1, answer="The first.")
ASKED = ask_back(approval(), VENDOR_APPROVER).state


def test_answer_when_received_resumes_the_stage() -> None:
    changed = answer.receive(ASKED, ANSWER, NOW)
    assert (changed.state.state, [fact.type for fact in changed.facts]) == (
        RequestState.PENDING_VENDOR,
        ["review_resumed"],
    )


def test_answer_when_received_twice_changes_nothing_the_second_time() -> None:
    once = answer.receive(ASKED, ANSWER, NOW).state
    assert answer.receive(once, ANSWER, NOW) == Changed(once)


def test_answer_when_time_is_over_lets_the_request_expire() -> None:
    late = answer.receive(ASKED, ANSWER, NOW + timedelta(days=1))
    assert [fact.type for fact in late.facts] == ["request_expired"]
