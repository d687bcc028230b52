"""Sentences about a tenant's policy, of its earlier version as well."""

from lockbox.contracts import earlier
from lockbox.contracts.policy.facts import PolicyChanged, PolicyChangeProposed, PolicyChangeRejected
from portal_service.web.wording import words
from portal_service.web.wording.event_values import stages
from portal_service.web.wording.line import Line, Sentences


def _changed(fact: PolicyChanged, _actor: str) -> Line:
    decided = f"decided by {stages(fact.stages)}"
    counts = f"{words.counted(len(fact.rules), 'rule')}, {words.counted(len(fact.freezes), 'freeze')}"
    agreed = f". {fact.proposed_by} had proposed it" if fact.proposed_by else ""
    return Line(f"{_in_force(fact)}, {decided}, {counts}{agreed}")


def _changed_in_version_1(fact: earlier.PolicyChanged, _actor: str) -> Line:
    return Line(f"{_in_force(fact)}, {words.counted(fact.customer_quorum, 'approval')} needed")


def _in_force(fact: PolicyChanged | earlier.PolicyChanged) -> str:
    approval = "required" if fact.require_approval else "not required"
    lifetime, maximum = words.spoken(fact.request_lifetime), words.spoken(fact.maximum_duration)
    return (
        f"The policy of {fact.tenant} is now version {fact.version}: approval {approval}, requests live {lifetime}, "
        f"access lasts at most {maximum}"
    )


def _change_proposed(fact: PolicyChangeProposed, actor: str) -> Line:
    proposed = f"{actor} proposed a change of the policy of {fact.tenant}"
    return Line(f"{proposed}; it is in force when another administrator agrees")


def _change_rejected(fact: PolicyChangeRejected, actor: str) -> Line:
    return Line(f"{actor} rejected the proposed change of the policy of {fact.tenant}", fact.comment, "bad")


SENTENCES: Sentences = {
    PolicyChanged: _changed,
    earlier.PolicyChanged: _changed_in_version_1,
    PolicyChangeProposed: _change_proposed,
    PolicyChangeRejected: _change_rejected,
}
