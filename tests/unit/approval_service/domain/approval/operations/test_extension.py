from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.builders import (
    ALICE,
    ENGINEER,
    FRANK,
    LEAD,
    NOW,
    VENDOR_APPROVER,
    complete,
    decide,
    digest_of,
    extend,
    granted,
    policy,
    revoke,
)

from approval_service.domain.approval import views
from approval_service.domain.approval.approval import Approval
from lockbox.contracts.approval.facts import StageOpened
from lockbox.contracts.approval.terms import Changes
from lockbox.contracts.events import Changed
from lockbox.contracts.grant.facts import ExtensionDecided
from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.document import Freeze
from lockbox.errors import Conflict, Forbidden, Invalid, NotFound

HOUR = timedelta(hours=1)
SOON = NOW + timedelta(minutes=5)
WHY = "The index is larger than we thought."


def ask(one: Approval, by: Caller = ENGINEER, duration: timedelta = HOUR, now: datetime = SOON) -> Changed[Approval]:
    return extend(one, by, duration, WHY, now)


def types(changed: Changed[Approval]) -> list[str]:
    return [fact.type for fact in changed.facts]


def code_of(act: Any) -> str:
    with pytest.raises((Conflict, Forbidden, Invalid, NotFound)) as refused:
        act()
    return refused.value.code


def test_extension_when_asked_for_opens_the_first_stage_again_and_leaves_the_access() -> None:
    before = granted()
    changed = ask(before)
    assert types(changed) == ["extension_requested", "stage_opened"]
    opened = changed.facts[1]
    assert isinstance(opened, StageOpened)
    assert (opened.extension, opened.name, opened.duration) == (1, "Vendor", HOUR)
    assert (opened.justification, opened.expires_at) == (WHY, before.granted().ends_at)
    assert changed.state.grant == before.grant


def test_extension_when_every_stage_approves_lengthens_the_access_unbroken() -> None:
    before = granted()
    asked = ask(before).state
    once = decide(asked, VENDOR_APPROVER, now=SOON)
    assert types(once) == ["decision_recorded", "stage_opened"]
    changed = decide(once.state, ALICE, now=SOON)
    assert types(changed) == ["decision_recorded", "extension_decided"]
    fact = changed.facts[1]
    assert isinstance(fact, ExtensionDecided)
    assert (fact.outcome, fact.ends_at) == ("approve", before.granted().ends_at + HOUR)
    grant = changed.state.granted()
    assert (grant.state, grant.ends_at) == (GrantState.ACTIVE, before.granted().ends_at + HOUR)
    assert grant.claims()["exp"] == grant.ends_at.timestamp()


def test_extension_when_denied_leaves_the_access_as_it_is() -> None:
    before = granted()
    changed = decide(ask(before).state, VENDOR_APPROVER, "deny", "Enough.", SOON)
    assert types(changed) == ["decision_recorded", "extension_decided"]
    assert changed.facts[1].outcome == "deny"  # type: ignore[attr-defined]
    assert changed.state.granted() == before.granted()
    assert changed.state.extensions[0].state == "DENIED"


def test_extension_when_shortened_lengthens_by_less() -> None:
    before = granted()
    once = decide(ask(before).state, VENDOR_APPROVER, now=SOON, changes=Changes(duration=HOUR / 2)).state
    assert decide(once, ALICE, now=SOON).state.granted().ends_at == before.granted().ends_at + HOUR / 2


def test_extension_when_changed_in_anything_but_its_duration_is_refused() -> None:
    asked = ask(granted()).state
    act = lambda: decide(asked, VENDOR_APPROVER, now=SOON, changes=Changes(actions=("read",)))  # noqa: E731
    assert code_of(act) == "not_changeable"


@pytest.mark.parametrize("end", ["revoke", "complete", "expire"])
def test_extension_when_the_access_ends_meanwhile_lapses(end: str) -> None:
    asked = ask(granted()).state
    changed = {
        "revoke": lambda: revoke(asked, ALICE, "", SOON),
        "complete": lambda: complete(asked, ENGINEER, "", SOON),
        "expire": lambda: asked.advance(NOW + timedelta(hours=5)),
    }[end]()
    assert types(changed)[1:] == ["extension_decided"]
    assert changed.facts[1].outcome == "lapse"  # type: ignore[attr-defined]
    assert changed.state.extensions[0].state == "LAPSED"
    assert code_of(lambda: decide(changed.state, VENDOR_APPROVER, now=SOON)) == "request_approved"


def test_extension_when_another_is_asked_for_has_to_wait() -> None:
    asked = ask(granted()).state
    assert code_of(lambda: ask(asked)) == "extension_pending"
    denied = decide(asked, VENDOR_APPROVER, "deny", now=SOON).state
    again = ask(denied).state
    assert [one.number for one in again.extensions] == [1, 2]


def test_extension_when_it_would_exceed_the_cap_is_refused_with_what_is_left() -> None:
    before = granted(settings={"maximum_total": timedelta(hours=5)})
    with pytest.raises(Invalid) as refused:
        ask(before, duration=timedelta(hours=1, seconds=1))
    assert (refused.value.code, refused.value.faults[0]["expected"]) == ("extension_beyond_cap", "at most PT1H")
    full = decide(decide(ask(before).state, VENDOR_APPROVER, now=SOON).state, ALICE, now=SOON).state
    assert code_of(lambda: ask(full)) == "extension_beyond_cap"


def test_extension_when_the_access_is_not_active_is_refused() -> None:
    later = granted(starts_at=NOW + timedelta(hours=2))
    assert code_of(lambda: ask(later)) == "grant_not_active"
    assert code_of(lambda: ask(granted(), now=NOW + timedelta(hours=5))) == "grant_ended"
    assert code_of(lambda: ask(revoke(granted(), ALICE, "", SOON).state)) == "grant_ended"


@pytest.mark.parametrize(
    ("by", "code"), [(VENDOR_APPROVER, "role_required"), (LEAD, "not_requester"), (FRANK, "grant_not_found")]
)
def test_extension_when_asked_by_somebody_else_is_refused(by: Caller, code: str) -> None:
    assert code_of(lambda: ask(granted(), by)) == code


def test_extension_when_it_would_reach_into_a_freeze_is_refused() -> None:
    begins = granted().granted().ends_at
    freeze = Freeze(
        name="quarter's end",
        starts=f"{begins:%Y-%m-%dT%H:%M}",
        ends=f"{begins + HOUR:%Y-%m-%dT%H:%M}",
        time_zone="UTC",
        effect="no_access",
    )
    frozen = granted(settings={"freezes": (freeze,)}, duration=timedelta(hours=3, minutes=50))
    assert code_of(lambda: ask(frozen)) == "access_frozen"


def test_extension_when_no_stage_decided_on_the_request_needs_none() -> None:
    audit_only = policy(require_approval=False, audit_only=True)
    from tests.unit.builders import created

    opened = Approval.open(created(), audit_only, NOW).state
    changed = ask(opened)
    assert types(changed) == ["extension_requested", "extension_decided", "extended_without_customer"]
    assert changed.state.granted().ends_at == opened.granted().ends_at + HOUR


def test_extension_when_shown_has_a_digest_of_its_own() -> None:
    asked = ask(granted()).state
    view = views.as_view(asked)
    assert view.request_digest is None
    assert view.extensions[0].request_digest == digest_of(asked)


def test_extension_when_ten_were_asked_for_is_refused_with_the_number() -> None:
    one = granted(settings={"maximum_total": timedelta(days=7)})
    for _ in range(10):
        one = decide(ask(one).state, VENDOR_APPROVER, "deny", now=SOON).state
    with pytest.raises(Conflict) as refused:
        ask(one)
    assert (refused.value.code, refused.value.params) == ("too_many_extensions", {"most": 10})
    assert revoke(one, ALICE, "", SOON).state.granted().state == GrantState.REVOKED


def test_extension_when_the_text_of_all_is_long_is_refused_before_it_grows_further() -> None:
    one = granted()
    for _ in range(4):
        one = decide(extend(one, ENGINEER, HOUR, "x" * 4_000, SOON).state, VENDOR_APPROVER, "deny", now=SOON).state
    one = decide(extend(one, ENGINEER, HOUR, "x" * 3_990, SOON).state, VENDOR_APPROVER, "deny", now=SOON).state
    with pytest.raises(Invalid) as refused:
        extend(one, ENGINEER, HOUR, "x" * 11, SOON)
    assert refused.value.code == "invalid_justification"
    full = decide(extend(one, ENGINEER, HOUR, "x" * 10, SOON).state, VENDOR_APPROVER, "deny", now=SOON).state
    assert code_of(lambda: ask(full)) == "too_many_extensions"
