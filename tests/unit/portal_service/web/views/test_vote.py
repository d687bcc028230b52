from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import (
    ALICE,
    ANN,
    ENGINEER,
    NOW,
    VENDOR_APPROVER,
    approval,
    decide,
    granted,
    perform,
    policy,
    quorum,
)
from tests.unit.portal_service.web.portal import details

from approval_service.domain.approval.approval import Approval
from approval_service.domain.policy.policy import Policy
from lockbox.contracts.approval.operations import RequestExtension
from lockbox.contracts.approval.terms import Changes
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.document import DEFAULT_STAGES, Condition, Freeze, Hours, Rule
from portal_service.usecases import RequestDetails
from portal_service.web.views.open_decision import deliberation_of, extension_of, noun, vote_of, votes
from portal_service.web.views.vote import APPROVE, REJECT, Vote, effect

MORNING = Hours(since="08:00", until="12:00", time_zone="UTC")


def at_customer(**settings: Any) -> Approval:
    return decide(approval(NOW, settings), VENDOR_APPROVER).state


def extended() -> Approval:
    one = granted(duration=timedelta(hours=1))
    asked = RequestExtension(
        grant_id=one.granted().id, duration=timedelta(minutes=30), justification="Longer.", idempotency_key="k-2"
    )
    return perform(one, ENGINEER, asked, NOW).state


def effect_of(vote: Vote, one: Approval, person: Caller) -> str:
    return effect(vote, details(one, person), person)


# --- the effect of an approval -------------------------------------------------------------------------------------


def test_approval_of_the_vendor_leads_to_the_customer() -> None:
    assert effect_of(APPROVE, approval(), VENDOR_APPROVER) == (
        "contoso's own approvers decide next. No access opens yet."
    )


def test_last_approval_opens_access_for_the_duration() -> None:
    assert effect_of(APPROVE, at_customer(), ALICE) == (
        "This is the last approval that is needed. Access opens at once and ends by itself after 4 hours."
    )


def test_last_approval_of_a_later_start_names_it() -> None:
    one = decide(approval(starts_at=NOW + timedelta(hours=2)), VENDOR_APPROVER).state
    assert effect_of(APPROVE, one, ALICE).endswith(
        "Access opens at 2026-01-31 11:30 UTC and ends by itself 4 hours later."
    )


def test_approval_when_the_stage_takes_more_says_how_many() -> None:
    one = decide(approval(NOW, {"stages": quorum(2)}), VENDOR_APPROVER).state
    assert effect_of(APPROVE, one, ALICE) == ("After yours, this stage still needs 1 approval. No access opens yet.")


def test_approval_when_the_next_stage_is_of_the_same_side_names_the_stage() -> None:
    vendor, customer = DEFAULT_STAGES
    stages = (vendor, customer, replace(customer, name="Security"))
    assert effect_of(APPROVE, at_customer(stages=stages), ALICE) == (
        "The stage Security decides next. No access opens yet."
    )


def test_approval_when_the_vendor_is_asked_after_the_customer_says_so() -> None:
    vendor, customer = DEFAULT_STAGES
    assert effect_of(APPROVE, approval(NOW, {"stages": (customer, vendor)}), ALICE) == (
        "The vendor decides next. No access opens yet."
    )


def test_approval_given_already_is_replaced() -> None:
    one = decide(decide(approval(NOW, {"stages": quorum(2)}), VENDOR_APPROVER).state, ALICE).state
    assert effect_of(APPROVE, one, ALICE).startswith("Your approval counts already.")


def test_approval_of_an_extension_names_the_new_end() -> None:
    one = decide(extended(), VENDOR_APPROVER).state
    assert effect_of(APPROVE, one, ALICE) == (
        "This is the last approval that is needed. The access then ends at 2026-01-31 11:00 UTC."
    )
    assert effect_of(APPROVE, extended(), VENDOR_APPROVER).endswith("The access is not extended yet.")


CONSENT = Rule(name="In the morning", when=Condition(access=MORNING), then="auto_approve")


def in_advance() -> Approval:
    """Return a request that the customer's rule lets the vendor alone approve in the morning."""
    return approval(NOW, {"rules": (CONSENT,)}, duration=timedelta(hours=1))


def next_version(**settings: Any) -> Policy:
    return replace(policy(**{"rules": (CONSENT,), **settings}), version=2)


def test_late_approval_when_a_rule_consents_no_longer_names_the_customer_and_not_access() -> None:
    late = NOW + timedelta(hours=4)
    person = VENDOR_APPROVER
    assert "Access opens at once" in effect(APPROVE, details(in_advance(), person), person)
    text = effect(APPROVE, details(in_advance(), person, late), person)
    assert text.startswith("contoso's own approvers decide next. No access opens yet.")
    assert "Access opens" not in text


def test_approval_when_the_policy_changed_says_why_access_does_not_open() -> None:
    text = effect(APPROVE, details(in_advance(), VENDOR_APPROVER, in_force=next_version(rules=())), VENDOR_APPROVER)
    assert text == (
        "contoso's own approvers decide next. No access opens yet. Reason: the customer has changed its policy since "
        "the request arrived (version 2)."
    )


def test_approval_when_the_policy_denies_by_now_says_so() -> None:
    never = next_version(rules=(Rule(name="Never", then="auto_deny"),))
    text = effect(APPROVE, details(in_advance(), VENDOR_APPROVER, in_force=never), VENDOR_APPROVER)
    assert text.startswith("The customer's policy does not allow it any more: the request is denied")
    assert text.endswith("denied by the rule 'Never'.")


def test_approval_when_a_freeze_stops_it_names_the_freeze_and_the_way_out() -> None:
    stop = Freeze(name="stop", starts="2026-01-31T08:00", ends="2026-01-31T18:00", time_zone="UTC", effect="no_access")
    text = effect(APPROVE, details(at_customer(), ALICE, in_force=next_version(freezes=(stop,))), ALICE)
    assert text == (
        "An approval is not possible now. The freeze “stop” allows no access until 2026-01-31 18:00:00 UTC. "
        "Approve with a later start."
    )


def test_approval_when_the_effect_is_not_known_promises_no_access() -> None:
    shown = details(at_customer(), ALICE)
    assert shown.open is not None
    older = replace(shown, open=replace(shown.open, effect=None))
    assert effect(APPROVE, older, ALICE) == "Lockbox looks at the policy again before it opens anything."


# --- the effect of a rejection -------------------------------------------------------------------------------------


def test_one_rejection_is_final() -> None:
    assert effect_of(REJECT, approval(), VENDOR_APPROVER) == (
        "One rejection is final: the request is denied and gives no access."
    )


def test_rejections_when_the_stage_takes_more_are_counted() -> None:
    vendor, customer = DEFAULT_STAGES
    settings = {"stages": (vendor, replace(customer, denials=2))}
    one = decide(approval(NOW, settings), VENDOR_APPROVER).state
    assert effect_of(REJECT, one, ALICE) == ("2 rejections are final in this stage; after yours, it takes 1 more.")
    after = decide(one, ANN, "deny").state
    assert effect_of(REJECT, after, ALICE).startswith("With yours, the rejections are final: the request is denied")
    again = effect_of(REJECT, after, ANN)
    assert again == "2 rejections are final in this stage; after yours, it takes 1 more."


def test_rejection_of_an_extension_leaves_the_end_as_it_is() -> None:
    assert effect_of(REJECT, extended(), VENDOR_APPROVER) == (
        "One rejection is final: the access is not extended. It goes on until 2026-01-31 10:30 UTC."
    )


@pytest.mark.parametrize("vote", [APPROVE, REJECT])
def test_vote_while_no_decision_is_open_has_no_effect(vote: Vote) -> None:
    assert effect_of(vote, granted(), ALICE) == ""


# --- the open decision ---------------------------------------------------------------------------------------------


def open_of(shown: RequestDetails) -> Any:
    assert shown.open is not None
    return shown.open


def test_open_decision_on_a_request_has_its_stages_and_votes() -> None:
    one = decide(decide(approval(NOW, {"stages": quorum(2)}), VENDOR_APPROVER).state, ALICE, comment="Fine.").state
    shown = details(one, ANN)
    assert noun(open_of(shown)) == "request"
    assert extension_of(shown) is None
    assert [vote.approver for vote in votes(shown)] == [ALICE.email]
    assert len(deliberation_of(shown).decisions) == 2
    assert vote_of(shown, ANN.email) is None
    assert getattr(vote_of(shown, ALICE.email), "comment", None) == "Fine."


def test_open_decision_on_an_extension_has_the_stages_of_the_extension() -> None:
    shown = details(decide(extended(), VENDOR_APPROVER).state, ALICE)
    assert noun(open_of(shown)) == "extension"
    assert getattr(extension_of(shown), "number", None) == 1
    assert [one.approver for one in deliberation_of(shown).decisions] == [VENDOR_APPROVER.email]
    assert votes(shown) == []


def test_no_decision_is_open_when_access_was_granted() -> None:
    shown = details(granted(), ALICE)
    assert shown.open is None
    assert votes(shown) == []
    assert extension_of(shown) is None
    assert len(deliberation_of(shown).decisions) == 2


def test_earlier_changes_are_the_terms_of_the_open_decision() -> None:
    one = decide(approval(), VENDOR_APPROVER, changes=Changes(duration=timedelta(hours=1))).state
    assert open_of(details(one, ALICE)).terms.duration == timedelta(hours=1)
