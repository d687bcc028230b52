from tests.unit.builders import ADMIN, ALICE, NOW, VENDOR_APPROVER, approval, decide, quorum, terms

from approval_service.domain.approval.deliberation import Deliberation, counts_for
from lockbox.contracts.policy.document import DEFAULT_STAGES

VENDOR, CUSTOMER = DEFAULT_STAGES


def test_deliberation_when_new_has_no_stage_open() -> None:
    new = Deliberation.on(terms(), DEFAULT_STAGES)
    assert (new.number, new.stage, new.following, new.verdict, new.missing()) == (None, None, None, None, {})
    assert new.includes_customer
    assert not Deliberation.on(terms(), (VENDOR,)).includes_customer


def test_next_stage_when_opened_closes_the_one_before_until_none_is_left() -> None:
    first = Deliberation.on(terms(), DEFAULT_STAGES).open_next_stage(NOW)
    assert (first.number, first.following and first.following.name) == (1, "Customer")
    second = first.open_next_stage(NOW)
    assert (second.number, second.following, second.stages[0].closed_at) == (2, None, NOW)
    assert second.open_next_stage(NOW).stage is None


def test_missing_when_votes_arrive_goes_down_to_the_verdict() -> None:
    at_customer = decide(approval(settings={"stages": quorum(2)}), VENDOR_APPROVER).state.deliberation
    assert (at_customer.missing(), at_customer.verdict) == ({"Approvers": 2}, None)
    once = decide(decide(approval(settings={"stages": quorum(2)}), VENDOR_APPROVER).state, ALICE).state.deliberation
    assert (once.missing(), once.verdict) == ({"Approvers": 1}, None)
    vote = once.vote_of(ALICE.email)
    assert vote is not None
    assert (vote.decision, vote.counts_for) == ("approve", ("Approvers",))


def test_counts_for_when_the_role_is_of_the_other_side_or_no_member_is_empty() -> None:
    assert counts_for(ALICE, CUSTOMER) == ("Approvers",)
    assert counts_for(ALICE, VENDOR) == counts_for(ADMIN, CUSTOMER) == ()
