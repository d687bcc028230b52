"""Random acts by random people at moving times, against a plain account of who said what."""

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.unit.builders import NOW, caller, created, policy

from approval_service.domain.approval import Approval
from lockbox.contracts.approval import (
    AccessGranted,
    DecisionRecorded,
    GrantActivated,
    GrantCompleted,
    GrantExpired,
    GrantRevoked,
    GrantState,
    RequestApproved,
    RequestCancelled,
    RequestDenied,
    RequestExpired,
    StageName,
    StageOpened,
)
from lockbox.contracts.events import Changed, Fact
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.request import PENDING, RequestState
from lockbox.errors import LockboxError

REQUESTER = "erin@vendor.example"
ASKER, VICTOR, ALICE, ANN = (
    caller(REQUESTER, "vendor", Role.ENGINEER, Role.VENDOR_APPROVER),
    caller("victor@vendor.example", "vendor", Role.VENDOR_APPROVER),
    caller("alice@contoso.example", "contoso", Role.CUSTOMER_APPROVER),
    caller("ann@contoso.example", "contoso", Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN),
)
OFTEN = st.sampled_from([ASKER, VICTOR, ALICE, ANN])
PEOPLE = OFTEN | st.sampled_from(
    [
        caller("eve@vendor.example", "vendor", Role.ENGINEER),
        caller("vince@vendor.example", "vendor", Role.VENDOR_APPROVER),
        caller("mallory@vendor.example", "vendor", Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN),
        caller("vera@vendor.example", "vendor", Role.VENDOR_AUDITOR, Role.OPERATOR),
        caller("arthur@contoso.example", "contoso", Role.CUSTOMER_APPROVER, Role.VENDOR_APPROVER),
        caller("carol@contoso.example", "contoso", Role.CUSTOMER_ADMIN),
        caller("aaron@contoso.example", "contoso", Role.CUSTOMER_AUDITOR),
        caller("frank@fabrikam.example", "fabrikam", Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN),
    ]
)
ELIGIBLE = {
    StageName.VENDOR: {"victor@vendor.example", "vince@vendor.example"},
    StageName.CUSTOMER: {"alice@contoso.example", "ann@contoso.example", "arthur@contoso.example"},
}
DUE = {
    StageName.VENDOR: ("vendor", Role.VENDOR_APPROVER),
    StageName.CUSTOMER: ("contoso", Role.CUSTOMER_APPROVER),
}
REVOKERS = ELIGIBLE[StageName.VENDOR] | ELIGIBLE[StageName.CUSTOMER] | {REQUESTER, "carol@contoso.example"}
REQUEST_AFTER: dict[type[Fact], RequestState] = {
    RequestApproved: RequestState.APPROVED,
    RequestDenied: RequestState.DENIED,
    RequestCancelled: RequestState.CANCELLED,
    RequestExpired: RequestState.EXPIRED,
}
GRANT_AFTER: dict[type[Fact], GrantState] = {
    AccessGranted: GrantState.SCHEDULED,
    GrantActivated: GrantState.ACTIVE,
    GrantCompleted: GrantState.COMPLETED,
    GrantRevoked: GrantState.REVOKED,
    GrantExpired: GrantState.EXPIRED,
}
STEPS = st.sampled_from([timedelta(0), timedelta(minutes=1), timedelta(minutes=50), timedelta(hours=3)])


class ApprovalMachine(RuleBasedStateMachine):
    """One approval from its opening to the end of its grant."""

    approval: Approval

    @initialize(
        required=st.booleans(),
        quorum=st.integers(1, 3),
        lifetime=st.sampled_from([timedelta(hours=1), timedelta(hours=12)]),
        longest=st.sampled_from([timedelta(minutes=30), timedelta(hours=4)]),
        starts_in=st.none() | st.sampled_from([timedelta(minutes=30), timedelta(hours=6)]),
    )
    def open(
        self, required: bool, quorum: int, lifetime: timedelta, longest: timedelta, starts_in: timedelta | None
    ) -> None:
        rules: dict[str, Any] = {"require_approval": required, "customer_quorum": quorum}
        rules |= {"request_lifetime": lifetime, "maximum_duration": longest}
        self.quorums = {StageName.VENDOR: 1} | ({StageName.CUSTOMER: quorum} if required else {})
        self.now = NOW
        self.facts: list[Fact] = []
        self.said: dict[StageName, dict[str, str]] = {StageName.VENDOR: {}, StageName.CUSTOMER: {}}
        starts_at = None if starts_in is None else NOW + starts_in
        request = created(starts_at=starts_at, duration=timedelta(hours=1))
        self._take(Approval.open(request, policy(**rules), NOW))

    @rule(step=STEPS)
    def wait(self, step: timedelta) -> None:
        self.now += step

    @rule()
    def sweep(self) -> None:
        self._take(self.approval.advance(self.now))
        assert self.approval.advance(self.now) == Changed(self.approval)
        assert self.approval.state not in PENDING or self.now < self.approval.expires_at
        if self.approval.grant is not None and self.approval.grant.live:
            assert (self.approval.grant.state == GrantState.ACTIVE) is (self.approval.grant.starts_at <= self.now)
            assert self.now < self.approval.grant.ends_at

    @rule()
    def wait_for_the_next_moment(self) -> None:
        grant = self.approval.grant
        moments = [grant.starts_at, grant.ends_at] if grant else [self.approval.expires_at]
        self.now = min((moment for moment in moments if moment > self.now), default=self.now)

    @precondition(lambda self: self.approval.state in PENDING)
    @rule(number=st.integers(0, 2))
    def say_yes_where_it_is_due(self, number: int) -> None:
        due = sorted(ELIGIBLE[self.approval.open_stage.name])
        organisation, role = DUE[self.approval.open_stage.name]
        self.decide(caller(due[number % len(due)], organisation, role), "approve")

    @rule(by=PEOPLE, verdict=st.sampled_from(["approve", "deny"]))
    def decide(self, by: Caller, verdict: Any) -> None:
        stage = self.approval.open_stage.name if self.approval.state in PENDING else None
        if self._attempt(lambda: self.approval.decide(by, verdict, "", self.now)):
            assert stage is not None
            assert by.email in ELIGIBLE[stage]
            assert by.email not in self.said[stage]
            assert self.now < self.approval.expires_at
            self.said[stage][by.email] = verdict

    @rule(by=PEOPLE)
    def cancel(self, by: Caller) -> None:
        pending = self.approval.state in PENDING and self.now < self.approval.expires_at
        done = self._attempt(lambda: self.approval.cancel(by, "", self.now))
        assert done is (pending and by.email == REQUESTER)

    @rule(by=PEOPLE)
    def revoke(self, by: Caller) -> None:
        grant = self.approval.grant
        live = grant is not None and grant.live and self.now < grant.ends_at
        done = self._attempt(lambda: self.approval.revoke(by, "", self.now))
        assert done is (live and by.email in REVOKERS)

    @rule(by=PEOPLE)
    def complete(self, by: Caller) -> None:
        grant = self.approval.grant
        live = grant is not None and grant.live and self.now < grant.ends_at
        done = self._attempt(lambda: self.approval.complete(by, "", self.now))
        assert done is (live and by.email == REQUESTER)

    @invariant()
    def grant_exists_only_after_every_yes_and_no_no(self) -> None:
        verdicts = [verdict for said in self.said.values() for verdict in said.values()]
        complete = all(len(self.said[stage]) >= quorum for stage, quorum in self.quorums.items())
        assert (self.approval.grant is not None) is (complete and "deny" not in verdicts)
        assert (self.approval.grant is not None) is (self.approval.state == RequestState.APPROVED)
        assert not any(REQUESTER in said for said in self.said.values())

    @invariant()
    def facts_fold_to_the_same_states(self) -> None:
        state, grant = RequestState.PENDING_VENDOR, None
        for fact in self.facts:
            if isinstance(fact, StageOpened):
                state = RequestState(f"PENDING_{fact.stage}")
            state = REQUEST_AFTER.get(type(fact), state)
            grant = GRANT_AFTER.get(type(fact), grant)
        assert self.approval.state == state
        assert (None if self.approval.grant is None else self.approval.grant.state) == grant

    @invariant()
    def facts_name_every_decision_once(self) -> None:
        told = [(fact.stage, fact.approver) for fact in self.facts if isinstance(fact, DecisionRecorded)]
        assert told == [(made.stage, made.approver) for made in self.approval.decisions]
        assert len(set(told)) == len(told)
        assert set(told) == {(stage, email) for stage, said in self.said.items() for email in said}

    @invariant()
    def outcome_and_grant_are_told_at_most_once(self) -> None:
        kinds = [type(fact) for fact in self.facts]
        assert sum(kind in REQUEST_AFTER for kind in kinds) == (self.approval.state not in PENDING)
        for kind in GRANT_AFTER:
            assert kinds.count(kind) <= 1
        assert sum(kind in (GrantCompleted, GrantRevoked, GrantExpired) for kind in kinds) <= 1

    @invariant()
    def grant_never_lasts_longer_or_reaches_further_than_what_was_asked_for(self) -> None:
        grant, asked = self.approval.grant, self.approval.terms
        if grant is not None:
            assert grant.ends_at - grant.starts_at == asked.duration
            assert grant.starts_at >= max(grant.granted_at, asked.starts_at or grant.granted_at)
            assert (grant.tenant, grant.resources, grant.actions) == (asked.tenant, asked.resources, asked.actions)
            assert grant.ended_at is None or grant.ended_at <= grant.ends_at

    def _attempt(self, act: Any) -> bool:
        before = self.approval
        try:
            changed = act()
        except LockboxError:
            assert self.approval is before
            return False
        self._take(changed)
        return True

    def _take(self, changed: Changed[Approval]) -> None:
        before: Approval | None = getattr(self, "approval", None)
        if before is not None and before.state not in PENDING:
            self._only_the_grant_goes_on(before, changed)
        assert changed.facts or changed.state == before
        self.facts += changed.facts
        self.approval = changed.state

    def _only_the_grant_goes_on(self, before: Approval, changed: Changed[Approval]) -> None:
        after = changed.state
        assert {type(fact) for fact in changed.facts} <= {GrantActivated, GrantCompleted, GrantRevoked, GrantExpired}
        assert (after.state, after.decisions, after.stages) == (before.state, before.decisions, before.stages)
        assert (after.grant is None) is (before.grant is None)
        if before.grant is not None and not before.grant.live:
            assert changed == Changed(before)


TestApproval = ApprovalMachine.TestCase
TestApproval.settings = settings(max_examples=6 * settings().max_examples, stateful_step_count=25)
