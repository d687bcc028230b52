"""Random policies and random acts by random people at moving times, against an account of who said what.

A hundred lives of each machine in the quick profile, 10,000 with HYPOTHESIS_PROFILE=nightly.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.approval_service.replay import RecordedFact, replay
from tests.unit.builders import (
    NOW,
    acknowledge,
    ask_back,
    caller,
    cancel,
    complete,
    created,
    decide,
    extend,
    perform,
    policy,
    revoke,
    use_break_glass,
)

from approval_service.domain.approval import answer as answers
from approval_service.domain.approval import gate
from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.present import Present
from approval_service.domain.policy.policy import Policy
from lockbox.contracts.approval.facts import DecisionRecorded, RequestDenied, StageOpened
from lockbox.contracts.approval.operations import Decide
from lockbox.contracts.approval.terms import Changes
from lockbox.contracts.approval.views import ApprovalEffect
from lockbox.contracts.events import Changed
from lockbox.contracts.grant.facts import (
    AccessGranted,
    ExtendedWithoutCustomer,
    ExtensionDecided,
    GrantCompleted,
    GrantExpired,
    GrantRevoked,
)
from lockbox.contracts.grant.operations import GetGrantToken
from lockbox.contracts.grant.terms import Confirmation, GrantState
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.policy.document import (
    DEFAULT_STAGES,
    BreakGlass,
    Condition,
    Freeze,
    Group,
    Hours,
    Rule,
    Side,
    StagePlan,
)
from lockbox.contracts.request.facts import InfoProvided
from lockbox.contracts.request.terms import RequestState
from lockbox.errors import LockboxError
from lockbox.values.resources import covers

REQUESTER = "erin@vendor.example"
ASKER = caller(REQUESTER, "vendor", Role.ENGINEER, Role.VENDOR_APPROVER)
DECIDERS = (
    ASKER,
    caller("victor@vendor.example", "vendor", Role.VENDOR_APPROVER),
    caller("vince@vendor.example", "vendor", Role.VENDOR_APPROVER),
    caller("alice@contoso.example", "contoso", Role.CUSTOMER_APPROVER),
    caller("ann@contoso.example", "contoso", Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN),
    caller("carol@contoso.example", "contoso", Role.CUSTOMER_ADMIN),
)
OTHERS = (
    caller("alice@contoso.example", "contoso", Role.CUSTOMER_AUDITOR),  # as she is when she has lost her role
    caller("eve@vendor.example", "vendor", Role.ENGINEER),
    caller("mallory@vendor.example", "vendor", Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN),
    caller("vera@vendor.example", "vendor", Role.VENDOR_AUDITOR, Role.OPERATOR),
    caller("arthur@contoso.example", "contoso", Role.VENDOR_APPROVER),
    caller("frank@fabrikam.example", "fabrikam", Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN),
)
MEMBERS = {
    Side.VENDOR: ("vendor_approver", "victor@vendor.example", REQUESTER),
    Side.CUSTOMER: ("customer_approver", "customer_admin", "alice@contoso.example", "carol@contoso.example"),
}
PEOPLE = st.sampled_from(DECIDERS) | st.sampled_from(OTHERS)
STEPS = st.sampled_from([timedelta(0), timedelta(minutes=1), timedelta(minutes=50), timedelta(hours=3)])
RESOURCES = ("mailbox/*", "files/x")
CHANGES = st.none() | st.builds(
    Changes,
    duration=st.none() | st.sampled_from([timedelta(minutes=20), timedelta(minutes=50), timedelta(hours=2)]),
    resources=st.sampled_from([None, ("mailbox/alice",), ("files/x",), ("mailbox/**",), ("mailbox/*", "files/x")]),
    actions=st.sampled_from([None, ("read",), ("read", "write"), ("delete",)]),
    starts_at=st.none() | st.sampled_from([NOW + timedelta(hours=1), NOW + timedelta(hours=20)]),
)
OUTCOMES = {RequestState.APPROVED, RequestState.DENIED, RequestState.CANCELLED, RequestState.EXPIRED}
AFTER_THE_END = {
    *("grant_activated", "grant_bound", "grant_completed", "grant_revoked", "grant_expired", "extension_requested"),
    *("extension_decided", "stage_opened", "decision_recorded", "break_glass_acknowledged"),
    *("stages_added", "extended_without_customer"),
}


def groups(side: Side) -> st.SearchStrategy[tuple[Group, ...]]:
    members = st.lists(st.sampled_from(MEMBERS[side]), min_size=1, max_size=3, unique=True).map(tuple)
    group = st.builds(Group, name=st.just(""), members=members, approvals=st.integers(1, 2))
    return st.lists(group, min_size=1, max_size=2).map(
        lambda found: tuple(replace(one, name=f"{number}") for number, one in enumerate(found))
    )


def stages(*sides: Side) -> st.SearchStrategy[tuple[StagePlan, ...]]:
    made = [
        st.builds(
            StagePlan, name=st.just(f"{number}"), side=st.just(side), groups=groups(side), denials=st.integers(1, 2)
        )
        for number, side in enumerate(sides)
    ]
    return st.tuples(*made)


V, C = Side.VENDOR, Side.CUSTOMER
CONSENTS = (
    Rule(name="consent", then="auto_approve"),
    Rule(name="an hour", when=Condition(at_most=timedelta(hours=1)), then="auto_approve"),
    Rule(
        name="in the morning",
        when=Condition(access=Hours(since="08:00", until="11:00", time_zone="UTC")),
        then="auto_approve",
    ),
)
FREEZE = Freeze(
    name="no automatic approval",
    starts=f"{NOW + timedelta(hours=2):%Y-%m-%dT%H:%M}",
    ends=f"{NOW + timedelta(hours=9):%Y-%m-%dT%H:%M}",
    time_zone="UTC",
    effect="no_auto_approval",
)
STOP = replace(
    FREEZE,
    name="no access",
    starts=f"{NOW + timedelta(hours=3):%Y-%m-%dT%H:%M}",
    ends=f"{NOW + timedelta(hours=5):%Y-%m-%dT%H:%M}",
    effect="no_access",
)
NEVER = Rule(name="never", then="auto_deny")
CHANGED: tuple[dict[str, Any], ...] = (
    {"freezes": (FREEZE,)},
    {"freezes": (STOP,)},
    {"freezes": ()},
    {"rules": ()},
    {"rules": (NEVER,)},
    *({"rules": (rule,)} for rule in CONSENTS),
    {"require_approval": True},
    {"require_approval": False},
    {"audit_only": True},
    {"audit_only": False},
    {"stages": DEFAULT_STAGES},
    {"stages": DEFAULT_STAGES[1:]},
    {"maximum_duration": timedelta(minutes=30)},
    {"maximum_total": timedelta(hours=2)},
)
"""Changes of a policy while a request or an access goes on."""
POLICIES = st.builds(
    policy,
    stages=stages(V, C) | stages(C) | stages(V, C, C),
    require_approval=st.booleans(),
    request_lifetime=st.sampled_from([timedelta(hours=1), timedelta(hours=12)]),
    maximum_duration=st.sampled_from([*5 * [timedelta(hours=4)], timedelta(minutes=30)]),
    maximum_total=st.sampled_from([timedelta(hours=4), timedelta(hours=5)]),
    break_glass=st.builds(BreakGlass, allowed=st.booleans(), duration=st.just(timedelta(minutes=30))),
    rules=st.sampled_from([*4 * [()], *((rule,) for rule in CONSENTS)]),
    freezes=st.sampled_from([(), (), (FREEZE,)]),
    comment_on_denial=st.booleans(),
)


class ApprovalMachine(RuleBasedStateMachine):
    """One approval from its opening to the end of its grant."""

    approval: Approval

    @initialize(under=POLICIES, starts_in=st.none() | st.sampled_from([timedelta(minutes=30), timedelta(hours=6)]))
    def open(self, under: Policy, starts_in: timedelta | None) -> None:
        self.begin(under, starts_in)

    def begin(self, under: Policy, starts_in: timedelta | None) -> None:
        self.now = NOW
        self.policy = self.in_force = under
        self.events: list[RecordedFact] = []
        self.said: dict[tuple[int | None, int], dict[str, tuple[Caller, str]]] = {}
        self.wanted_glass: list[str] = []
        starts_at = None if starts_in is None else NOW + starts_in
        self.asked = created(
            starts_at=starts_at, duration=timedelta(hours=1), resources=RESOURCES, actions=("read", "write")
        )
        self._take("approval_service", Approval.open(self.asked, under, NOW))

    # --- time ------------------------------------------------------------------------------------------------------

    @rule(step=STEPS)
    def wait(self, step: timedelta) -> None:
        self.now += step

    @rule()
    def sweep(self) -> None:
        self._take("approval_service", self.approval.advance(self.now))
        assert self.approval.advance(self.now) == Changed(self.approval)
        assert not self.approval.pending or self.now < self.approval.expires_at
        if self.approval.grant is not None and self.approval.grant.live:
            assert (self.approval.grant.state == GrantState.ACTIVE) is (self.approval.grant.starts_at <= self.now)
            assert self.now < self.approval.grant.ends_at

    @rule()
    def wait_for_the_next_moment(self) -> None:
        grant = self.approval.grant
        moments = [grant.starts_at, grant.ends_at] if grant else [self.approval.expires_at]
        self.now = min((moment for moment in moments if moment > self.now), default=self.now)

    # --- the customer's policy -------------------------------------------------------------------------------------

    @rule(change=st.sampled_from(CHANGED))
    def change_the_policy(self, change: dict[str, Any]) -> None:
        self.in_force = replace(self.in_force, **change, version=self.in_force.version + 1)

    @property
    def present(self) -> Present:
        return Present(self.now, lambda _tenant: self.in_force)

    # --- people ----------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.approval.pending_decision is not None)
    @rule(number=st.integers(0, 5), changes=st.none() | CHANGES)
    def say_yes_where_it_is_due(self, number: int, changes: Changes | None) -> None:
        due = self._due()
        if due:
            self.decide(due[number % len(due)], "approve", changes)

    @precondition(lambda self: self.approval.pending_decision is not None)
    @rule()
    def all_say_yes_where_it_is_due(self) -> None:
        for by in self._due():
            self.decide(by, "approve", None)

    @rule(by=PEOPLE, verdict=st.sampled_from([*4 * ["approve"], "deny"]), changes=CHANGES)
    def decide(self, by: Caller, verdict: Any, changes: Changes | None) -> None:
        pending, before = self.approval.pending_decision, self.approval
        permission = gate.permission(Decide, before, by, self.now)
        shown = gate.effect_of_approval(before, self.present)
        done = self._attempt(by, lambda: decide(before, by, verdict, "because", self.present, changes))
        if verdict == "approve" and changes is None:
            self._did_what_was_shown(shown, done)
        if not done:
            return
        assert pending is not None
        stage, number = pending.deliberation.stage, pending.deliberation.number
        assert stage is not None
        assert number is not None
        assert permission.allowed
        assert by.email != REQUESTER
        assert _eligible(by, stage)
        assert self.now < pending.ends_at
        self.said.setdefault((pending.extension, number), {})[by.email] = (by, verdict)

    @rule(by=PEOPLE, digest=st.sampled_from(["", "0" * 64]))
    def decide_on_something_else(self, by: Caller, digest: str) -> None:
        command = Decide(
            request_id=self.asked.request_id, request_digest=digest, decision="approve", idempotency_key="k-1"
        )
        assert not self._attempt(by, lambda: perform(self.approval, by, command, self.present))

    @rule(by=PEOPLE)
    def ask_back(self, by: Caller) -> None:
        self._attempt(by, lambda: ask_back(self.approval, by, "Why?", self.now))

    @precondition(lambda self: self.approval.state == RequestState.INFO_REQUESTED)
    @rule()
    def answer(self) -> None:
        number = sum(note.kind == "answer" for note in self.approval.notes) + 1
        told = InfoProvided(
            tenant="contoso", request_id=self.asked.request_id, requester=REQUESTER, number=number, answer="So."
        )
        self._attempt(ASKER, lambda: answers.receive(self.approval, told, self.now))

    @rule(by=PEOPLE)
    def cancel(self, by: Caller) -> None:
        pending = self.approval.pending and self.now < self.approval.expires_at
        done = self._attempt(by, lambda: cancel(self.approval, by, "", self.now))
        assert done is (pending and by.email == REQUESTER)

    @rule(by=st.sampled_from(DECIDERS[:4]))
    def break_glass(self, by: Caller) -> None:
        pending = self.approval.pending and self.now < self.approval.expires_at
        done = self._attempt(by, lambda: use_break_glass(self.approval, by, "All is down.", self.now))
        vendors = by.is_vendor and Role.VENDOR_APPROVER in by.roles and by.email != REQUESTER
        allowed = self.policy.break_glass.allowed and vendors and by.email not in self.wanted_glass
        assert done is (pending and allowed)
        self.wanted_glass += [by.email] if done else []

    @precondition(lambda self: self.approval.break_glass is not None)
    @rule(by=PEOPLE)
    def acknowledge(self, by: Caller) -> None:
        self._attempt(by, lambda: acknowledge(self.approval, by, "", self.now))

    @precondition(lambda self: self.approval.grant is not None)
    @rule(by=PEOPLE)
    def revoke(self, by: Caller) -> None:
        done = self._attempt(by, lambda: revoke(self.approval, by, "", self.now))
        may = _seen(by) and by.has(Role.VENDOR_APPROVER, Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN)
        assert done is (self._was_live and may)

    @precondition(lambda self: self.approval.grant is not None)
    @rule(by=PEOPLE)
    def complete(self, by: Caller) -> None:
        done = self._attempt(by, lambda: complete(self.approval, by, "", self.now))
        assert done is (self._was_live and by.email == REQUESTER)

    @precondition(lambda self: self.approval.grant is not None)
    @rule(thumbprint=st.sampled_from(["a", "b"]).map(lambda letter: letter * 43))
    def fetch(self, thumbprint: str) -> None:
        query = GetGrantToken(grant_id=self.approval.granted().id, confirmation=Confirmation(jkt=thumbprint))
        self._attempt(ASKER, lambda: perform(self.approval, ASKER, query, self.present))
        grant = self.approval.granted()
        assert not self._was_live or thumbprint in grant.bound_to
        assert len(set(grant.bound_to)) == len(grant.bound_to)

    @precondition(lambda self: self.approval.grant is not None)
    @rule(
        by=st.sampled_from([ASKER, ASKER, *OTHERS]),
        duration=st.sampled_from([timedelta(minutes=20), timedelta(hours=3)]),
    )
    def ask_for_more_time(self, by: Caller, duration: timedelta) -> None:
        grant = self.approval.grant
        done = self._attempt(by, lambda: extend(self.approval, by, duration, "Longer.", self.present))
        if done:
            assert grant is not None
            assert by.email == REQUESTER
            assert grant.starts_at <= self.now < grant.ends_at

    # --- what always holds -----------------------------------------------------------------------------------------

    @invariant()
    def access_is_there_only_after_every_stage_or_by_consent_or_in_an_emergency(self) -> None:
        grant = self.approval.grant
        assert (grant is not None) is (self.approval.state == RequestState.APPROVED)
        if grant is None:
            return
        if grant.opened_by == "approval":
            assert self.approval.deliberation.stages
            stages = self.approval.deliberation.stages
            assert all(self._satisfied(None, stage) for stage in enumerate(stages, start=1))
        elif grant.opened_by == "policy":
            assert self.policy.rules
            assert not [stage for stage in self.policy.stages if stage.side == Side.VENDOR]
        else:
            assert len(set(self.wanted_glass)) == 2
            assert self.policy.break_glass.allowed

    @invariant()
    def more_time_is_there_only_after_every_stage_said_so_too(self) -> None:
        for extension in self.approval.extensions:
            if extension.state == "APPROVED":
                stages = extension.deliberation.stages
                assert all(self._satisfied(extension.number, stage) for stage in enumerate(stages, start=1))

    @invariant()
    def more_time_without_the_customer_is_reported_to_it(self) -> None:
        reported = {told.fact.number for told in self.events if isinstance(told.fact, ExtendedWithoutCustomer)}
        for one in self.approval.extensions:
            if one.state == "APPROVED":
                assert (one.number in reported) is not one.deliberation.includes_customer

    @invariant()
    def nobody_decides_on_an_own_request(self) -> None:
        assert not any(REQUESTER in said for said in self.said.values())

    @invariant()
    def what_is_granted_is_never_more_than_what_was_asked(self) -> None:
        terms, grant = self.approval.deliberation.terms, self.approval.grant
        assert _within(terms.resources, self.asked.resources)
        assert set(terms.actions) <= set(self.asked.actions)
        assert terms.duration <= self.asked.duration
        assert (terms.starts_at or NOW) >= (self.asked.starts_at or NOW)
        if grant is not None:
            assert (grant.resources, grant.actions) == (terms.resources, terms.actions)
            assert grant.starts_at >= grant.granted_at
            assert grant.opened_by == "break_glass" or grant.starts_at >= (terms.starts_at or grant.granted_at)

    @invariant()
    def access_with_all_its_extensions_stays_within_the_cap(self) -> None:
        grant = self.approval.grant
        if grant is not None:
            more = [one.deliberation.terms.duration for one in self.approval.extensions if one.state == "APPROVED"]
            first = grant.ends_at - grant.starts_at - sum(more, timedelta(0))
            assert timedelta(0) < first <= self.approval.deliberation.terms.duration
            assert grant.opened_by != "break_glass" or first <= self.policy.break_glass.duration
            assert grant.ends_at - grant.starts_at <= self.policy.maximum_total
            assert grant.ended_at is None or grant.ended_at <= grant.ends_at

    @invariant()
    def events_alone_rebuild_the_same_state(self) -> None:
        assert replay(self.asked, self.events) == self.approval

    @invariant()
    def outcome_and_grant_are_told_at_most_once(self) -> None:
        kinds = [told.fact.type for told in self.events]
        outcomes = {f"request_{state.lower()}" for state in OUTCOMES}
        assert sum(kind in outcomes for kind in kinds) == (self.approval.state in OUTCOMES)
        ends = [
            told.fact for told in self.events if isinstance(told.fact, GrantCompleted | GrantRevoked | GrantExpired)
        ]
        assert len(ends) <= 1
        assert sum(isinstance(told.fact, AccessGranted) for told in self.events) <= 1

    @invariant()
    def every_decision_names_what_was_shown(self) -> None:
        decisions = [told.fact for told in self.events if isinstance(told.fact, DecisionRecorded)]
        assert all(len(fact.request_digest) == 64 for fact in decisions)

    def _no_access_outlives_the_consent_that_opened_it(self, fact: Any) -> None:
        """Whenever access opens or goes on: the policies of the arrival and of now let it.

        Wherever the customer did not decide, the whole access fits the consent of both. No freeze stops it.
        """
        if isinstance(fact, AccessGranted) and fact.opened_by != "break_glass":
            new = whole = (fact.starts_at, fact.ends_at)
            decided = self.approval.deliberation.includes_customer
            assert decided or self.approval.deliberation.terms.duration <= self.in_force.maximum_duration
        elif isinstance(fact, ExtensionDecided) and fact.outcome == "approve":
            grant, [one] = self.approval.granted(), [e for e in self.approval.extensions if e.number == fact.number]
            whole = (grant.starts_at, fact.ends_at)
            new = (fact.ends_at - one.deliberation.terms.duration, fact.ends_at)
            decided = one.deliberation.includes_customer
        else:
            return
        for under in (self.policy, self.in_force):
            assert not _frozen(under, "no_access", *new)
            assert decided or _opens_without_customer(under, *whole)

    def _did_what_was_shown(self, shown: ApprovalEffect | None, done: bool) -> None:
        """A yes that closes its stage has the effect that its approver was shown."""
        happened = {
            "stage": any(isinstance(fact, StageOpened) for fact in self._last),
            "access": any(_gives_access(fact) for fact in self._last),
            "denial": any(_denies(fact) for fact in self._last),
            "refusal": not done and self._refusal == "access_frozen",
        }
        for outcome, did in happened.items():
            assert not did or (shown is not None and shown.outcome == outcome), (shown, self._last)

    def _due(self) -> list[Caller]:
        stage = self.approval.require_decision().deliberation.stage
        return [one for one in DECIDERS if stage is not None and one is not ASKER and _eligible(one, stage)]

    # --- helpers ---------------------------------------------------------------------------------------------------

    def _satisfied(self, extension: int | None, numbered: tuple[int, StagePlan]) -> bool:
        """Whether the last words in a stage can be dealt out so that each group has enough; by trying every way."""
        number, stage = numbered
        said = self.said.get((extension, number), {})
        yeses = [by for by, verdict in said.values() if verdict == "approve"]
        if sum(verdict == "deny" for _, verdict in said.values()) >= stage.denials:
            return False
        places = [
            [index for index, group in enumerate(stage.groups) if _member(by, group, stage)] + [-1] for by in yeses
        ]
        return any(
            all(dealt.count(index) >= group.approvals for index, group in enumerate(stage.groups))
            for dealt in product(*places)
        )

    def _attempt(self, by: Caller, act: Callable[[], Changed[Approval]]) -> bool:
        before = self.approval
        grant = before.grant
        self._last: tuple[Any, ...] = ()
        self._refusal = ""
        self._was_live = grant is not None and grant.live and self.now < grant.ends_at
        try:
            changed = act()
        except LockboxError as error:
            self._refusal = error.code
            assert self.approval is before
            return False
        self._take(by.email, changed)
        return bool(changed.facts)

    def _take(self, by: str, changed: Changed[Approval]) -> None:
        before: Approval | None = getattr(self, "approval", None)
        if before is not None:
            self._goes_only_forward(before, changed)
        assert changed.facts or changed.state == before
        self.events += [RecordedFact(self.now, by, fact) for fact in changed.facts]
        self.approval, self._last = changed.state, changed.facts
        for fact in changed.facts:
            self._no_access_outlives_the_consent_that_opened_it(fact)

    def _goes_only_forward(self, before: Approval, changed: Changed[Approval]) -> None:
        after = changed.state
        assert _within(after.deliberation.terms.resources, before.deliberation.terms.resources)
        assert set(after.deliberation.terms.actions) <= set(before.deliberation.terms.actions)
        assert after.deliberation.terms.duration <= before.deliberation.terms.duration
        if before.state in OUTCOMES:
            assert {fact.type for fact in changed.facts} <= AFTER_THE_END
            kept = ("state", "deliberation", "notes", "limits", "expires_at")
            assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]
            assert (after.grant is None) is (before.grant is None)
        if before.grant is not None and not before.grant.live:
            assert after.grant == before.grant
            assert after.extensions == before.extensions


class ConsentMachine(ApprovalMachine):
    """The same under policies with consent in advance, where access opens in a few steps."""

    @initialize(
        under=st.builds(
            policy,
            stages=st.sampled_from([DEFAULT_STAGES, DEFAULT_STAGES[1:]]),
            maximum_total=st.just(timedelta(hours=9)),
            rules=st.sampled_from([(rule,) for rule in CONSENTS]),
            freezes=st.sampled_from([(), (FREEZE,)]),
        ),
        starts_in=st.none() | st.just(timedelta(minutes=30)),
    )
    def open(self, under: Policy, starts_in: timedelta | None) -> None:
        self.begin(under, starts_in)

    @precondition(lambda self: self.approval.pending_decision is not None)
    @rule(step=st.sampled_from([timedelta(minutes=40), timedelta(hours=2), timedelta(hours=11)]))
    def all_say_yes_later(self, step: timedelta) -> None:
        self.now += step
        self.all_vendors_say_yes()

    @precondition(lambda self: self.approval.grant is not None)
    @rule(duration=st.sampled_from([timedelta(minutes=20), timedelta(hours=7)]))
    def ask_for_more_time_and_get_it_from_the_vendor(self, duration: timedelta) -> None:
        self._attempt(ASKER, lambda: extend(self.approval, ASKER, duration, "Longer.", self.present))
        self.all_vendors_say_yes()

    @rule(
        change=st.sampled_from(CHANGED),
        duration=st.sampled_from([timedelta(minutes=20), timedelta(hours=2)]),
        step=st.sampled_from([timedelta(0), timedelta(hours=3)]),
    )
    def change_the_policy_before_all_say_yes(
        self, change: dict[str, Any], duration: timedelta, step: timedelta
    ) -> None:
        self.change_the_policy(change)
        self.now += step
        if self.approval.grant is not None and self.approval.extension is None:
            self._attempt(ASKER, lambda: extend(self.approval, ASKER, duration, "Longer.", self.present))
        if self.approval.pending_decision is not None:
            self.all_say_yes_where_it_is_due()

    def all_vendors_say_yes(self) -> None:
        pending = self.approval.pending_decision
        stage = pending.deliberation.stage if pending else None
        if stage is not None and stage.side == V:
            self.decide(DECIDERS[1], "approve", None)


def _frozen(policy: Policy, effect: str, starts: datetime, ends: datetime) -> bool:
    spans = [
        [datetime.fromisoformat(at).replace(tzinfo=UTC) for at in (one.starts, one.ends)]
        for one in policy.freezes
        if one.effect == effect
    ]
    return any(starts < end and ends > start for start, end in spans)


def _opens_without_customer(policy: Policy, starts: datetime, ends: datetime) -> bool:
    """Whether a policy lets an access of this time open without the customer, by rules of this module alone."""
    if policy.rules == (NEVER,):
        return False
    if not (policy.require_approval and any(stage.side == C for stage in policy.stages)):
        return True
    eight, eleven = (starts.replace(hour=hour, minute=0, second=0, microsecond=0) for hour in (8, 11))
    fits = {
        "consent": True,
        "an hour": ends - starts <= timedelta(hours=1),
        "in the morning": eight <= starts < ends <= eleven,
    }
    in_advance = policy.audit_only or any(fits[rule.name] for rule in policy.rules)
    return in_advance and not _frozen(policy, "no_auto_approval", starts, ends)


def _gives_access(fact: Any) -> bool:
    return isinstance(fact, AccessGranted) or (isinstance(fact, ExtensionDecided) and fact.outcome == "approve")


def _denies(fact: Any) -> bool:
    return isinstance(fact, RequestDenied) or (isinstance(fact, ExtensionDecided) and fact.outcome == "deny")


def _eligible(by: Caller, stage: StagePlan) -> bool:
    return any(_member(by, group, stage) for group in stage.groups)


def _member(by: Caller, group: Group, stage: StagePlan) -> bool:
    roles, organisation = {
        Side.VENDOR: ({"vendor_approver"}, "vendor"),
        Side.CUSTOMER: ({"customer_approver", "customer_admin"}, "contoso"),
    }[stage.side]
    held = {role.value for role in by.roles} & roles
    return by.organisation == organisation and bool(held) and bool(({by.email} | held) & set(group.members))


def _seen(by: Caller) -> bool:
    return by.organisation == "contoso" or (
        by.is_vendor and (by.email == REQUESTER or by.has(Role.VENDOR_APPROVER, Role.VENDOR_AUDITOR))
    )


def _within(narrow: Iterable[str], wide: Iterable[str]) -> bool:
    return all(any(covers(pattern, resource) for pattern in wide) for resource in narrow)


EXAMPLES = {"quick": 100, "thorough": 2_000, "nightly": 10_000}
TestApproval, TestConsent = ApprovalMachine.TestCase, ConsentMachine.TestCase
TestApproval.settings = TestConsent.settings = settings(
    max_examples=EXAMPLES[os.environ.get("HYPOTHESIS_PROFILE", "quick")], stateful_step_count=40
)
