"""How people come to a yes or no, stage by stage: the same for a request and for the extension of its grant."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from approval_service.domain.people import assign
from lockbox.contracts.approval.terms import Changes, Verdict
from lockbox.contracts.approval.views import Decision, Judgement, Missing, Objection, Stage
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.document import DECIDERS, DECIDING_ROLES, Side, StagePlan
from lockbox.contracts.request.terms import AccessTerms
from lockbox.errors import Conflict, Forbidden, LockboxError

REFUSALS: dict[str, type[LockboxError]] = {
    "own_request": Forbidden,
    "role_required": Forbidden,
    "not_your_stage": Forbidden,
    "not_eligible": Forbidden,
}


@dataclass(frozen=True)
class Ballot:
    """What somebody decides: yes or no, to what has this digest, and what of it is not to be."""

    decision: Verdict
    request_digest: str
    comment: str = ""
    changes: Changes | None = None


@dataclass(frozen=True, kw_only=True)
class Deliberation:
    """The stages of something that is asked for, the last word of each approver, and the terms that are left."""

    terms: AccessTerms
    stages: tuple[Stage, ...]
    decisions: tuple[Decision, ...] = ()

    @classmethod
    def on(cls, terms: AccessTerms, stages: Iterable[StagePlan]) -> "Deliberation":
        """Nothing is open yet."""
        return cls(terms=terms, stages=tuple(_unopened(stage) for stage in stages))

    @property
    def number(self) -> int | None:
        """The number of the stage that is open, counted from 1; None if there is none."""
        for number, stage in enumerate(self.stages, start=1):
            if stage.opened_at is not None and stage.closed_at is None:
                return number
        return None

    @property
    def stage(self) -> Stage | None:
        """The stage that is open."""
        return None if self.number is None else self.stages[self.number - 1]

    def opened(self) -> tuple[int, Stage]:
        """The stage that is open, with its number; raises `Conflict` if there is none."""
        if self.number is None:
            raise Conflict("nothing_open", "nothing waits for a decision")
        return self.number, self.stages[self.number - 1]

    @property
    def customers_say(self) -> bool:
        """Whether the customer's people are asked at all."""
        return any(stage.side == Side.CUSTOMER for stage in self.stages)

    def go_on(self, now: datetime) -> "Deliberation":
        """Close the stage that is open, and open the next one, if there is one."""
        number = self.number or sum(stage.closed_at is not None for stage in self.stages)
        stages = list(self.stages)
        if self.number is not None:
            stages[number - 1] = replace(stages[number - 1], closed_at=now)
        if number < len(stages):
            stages[number] = replace(stages[number], opened_at=now)
        return replace(self, stages=tuple(stages))

    def judge(self, caller: Caller, requester: str) -> Judgement:
        """Where the open stage stands, and what forbids this caller to decide in it."""
        stage = self.stage
        if stage is None:
            return Judgement(forbidden=(Objection(code="nothing_open", message="nothing waits for a decision"),))
        taken, word = self._yeses(stage), self.word_of(caller.email)
        missing = {group.name: group.approvals - len(taken[group.name]) for group in stage.groups}
        return Judgement(
            satisfied=tuple(group.name for group in stage.groups if not missing[group.name]),
            missing=tuple(
                Missing(group=group.name, approvals=missing[group.name], members=group.members)
                for group in stage.groups
                if missing[group.name]
            ),
            counts_for=counts_for(caller, stage),
            forbidden=tuple(_objections(caller, stage, requester)),
            said=word.decision if word else None,
        )

    def decide(self, caller: Caller, ballot: Ballot, terms: AccessTerms, now: datetime) -> "Deliberation":
        """Put somebody's word in place of an earlier one; raises `Conflict` for the same word again."""
        number, stage = self.opened()
        earlier = self.word_of(caller.email)
        if earlier is not None and terms == self.terms and _says(earlier) == _says(ballot):
            raise Conflict("already_decided", "you have decided so already; others have to decide too")
        decision = Decision(
            stage=number,
            side=stage.side,
            approver=caller.email,
            decision=ballot.decision,
            comment=ballot.comment,
            decided_at=now,
            counts_for=counts_for(caller, stage),
            request_digest=ballot.request_digest,
            changes=ballot.changes,
        )
        others = tuple(one for one in self.decisions if one is not earlier)
        return replace(self, terms=terms, decisions=(*others, decision))

    def word_of(self, email: str) -> Decision | None:
        """What somebody said in the open stage."""
        return next((one for one in self._in_stage() if one.approver == email), None)

    @property
    def verdict(self) -> Verdict | None:
        """What the open stage says: None while it needs more."""
        if self.stage is None:
            return None
        if sum(one.decision == "deny" for one in self._in_stage()) >= self.stage.denials:
            return "deny"
        taken = self._yeses(self.stage)
        return "approve" if all(len(taken[group.name]) >= group.approvals for group in self.stage.groups) else None

    def _in_stage(self) -> Iterator[Decision]:
        return (one for one in self.decisions if one.stage == self.number)

    def _yeses(self, stage: Stage) -> dict[str, list[str]]:
        """Who counts for which group: one person for one."""
        yeses = {one.approver: one.counts_for for one in self._in_stage() if one.decision == "approve"}
        return assign(yeses, {group.name: group.approvals for group in stage.groups})


def require_none(objections: Iterable[Objection]) -> None:
    """Raise the first objection, if there is one."""
    for objection in objections:
        raise REFUSALS.get(objection.code, Conflict)(objection.code, objection.message)


def counts_for(caller: Caller, stage: StagePlan) -> tuple[str, ...]:
    """The groups of a stage that this caller's yes can count for, by the roles that the caller has now."""
    if not caller.has(*DECIDING_ROLES[stage.side]):
        return ()
    return tuple(
        group.name
        for group in stage.groups
        if caller.email in group.members
        or any(caller.has(role) for role in DECIDING_ROLES[stage.side] if role in group.members)
    )


def _objections(caller: Caller, stage: StagePlan, requester: str) -> Iterator[Objection]:
    if caller.email == requester:
        yield Objection(code="own_request", message="nobody decides on an own request")
    elif not caller.has(*DECIDERS):
        yield Objection(code="role_required", message=f"this needs the role {' or '.join(DECIDERS)}")
    elif not caller.has(*DECIDING_ROLES[stage.side]):
        yield Objection(code="not_your_stage", message=f"the {stage.side.lower()}'s people decide now")
    elif not counts_for(caller, stage):
        groups = ", ".join(group.name for group in stage.groups)
        yield Objection(code="not_eligible", message=f"the policy lets others decide in this stage: {groups}")


def _says(word: Ballot | Decision) -> tuple[str, str]:
    return word.decision, word.comment


def _unopened(stage: StagePlan) -> Stage:
    return Stage(name=stage.name, side=stage.side, groups=stage.groups, denials=stage.denials)
