"""Stages and votes: the way to a yes or no, the same for a request and for the extension of its grant."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from approval_service.domain.people import assign
from lockbox.contracts.approval.operations import Decide
from lockbox.contracts.approval.terms import Changes, Verdict
from lockbox.contracts.fields import Email, Timestamp
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.document import DECIDING_ROLES, Side, StagePlan
from lockbox.contracts.request.terms import AccessTerms
from lockbox.errors import Conflict, Forbidden

MOST_VOTES = 20
"""Votes of one person in one stage; the last one counts."""


@dataclass(frozen=True, kw_only=True)
class CastVote:
    """The last of an approver's `votes` in a stage; `counts_for` names the groups that it counts for."""

    stage: int
    side: Side
    approver: Email
    decision: Verdict
    comment: str
    decided_at: Timestamp
    counts_for: tuple[str, ...]
    request_digest: str
    changes: Changes | None = None
    votes: int = 1


@dataclass(frozen=True, kw_only=True)
class StageProgress(StagePlan):
    """A stage of the policy, and the times at which it opened and closed."""

    opened_at: Timestamp | None = None
    closed_at: Timestamp | None = None


@dataclass(frozen=True, kw_only=True)
class Deliberation:
    """The stages of a request or an extension, the last vote of each approver, and the terms that are left."""

    terms: AccessTerms
    stages: tuple[StageProgress, ...]
    decisions: tuple[CastVote, ...] = ()

    @classmethod
    def on(cls, terms: AccessTerms, stages: Iterable[StagePlan]) -> "Deliberation":
        """Return a deliberation in which no stage is open yet."""
        return cls(terms=terms, stages=tuple(_unopened(stage) for stage in stages))

    @property
    def number(self) -> int | None:
        """The number of the open stage, counted from 1; None if there is none."""
        for number, stage in enumerate(self.stages, start=1):
            if stage.opened_at is not None and stage.closed_at is None:
                return number
        return None

    @property
    def stage(self) -> StageProgress | None:
        """The open stage."""
        return None if self.number is None else self.stages[self.number - 1]

    @property
    def following(self) -> StageProgress | None:
        """The stage after the open one."""
        return next(iter(self.stages[self.number :]), None) if self.number else None

    def opened(self) -> tuple[int, StageProgress]:
        """Return the open stage with its number; raises `Conflict` if there is none."""
        if self.number is None:
            raise Conflict("nothing_open", "nothing waits for a decision")
        return self.number, self.stages[self.number - 1]

    @property
    def includes_customer(self) -> bool:
        """Whether a stage of the customer is among the stages."""
        return any(stage.side == Side.CUSTOMER for stage in self.stages)

    def open_next_stage(self, now: datetime) -> "Deliberation":
        """Close the open stage, and open the next one, if there is one."""
        number = self.number or sum(stage.closed_at is not None for stage in self.stages)
        stages = list(self.stages)
        if self.number is not None:
            stages[number - 1] = replace(stages[number - 1], closed_at=now)
        if number < len(stages):
            stages[number] = replace(stages[number], opened_at=now)
        return replace(self, stages=tuple(stages))

    def with_stages(self, stages: Iterable[StagePlan]) -> "Deliberation":
        """Return the deliberation with further stages after its last one."""
        return replace(self, stages=(*self.stages, *(_unopened(stage) for stage in stages)))

    def missing(self) -> dict[str, int]:
        """Return the number of approvals that each group of the open stage still needs."""
        if self.stage is None:
            return {}
        given = self._approvals(self.stage)
        return {group.name: group.approvals - len(given[group.name]) for group in self.stage.groups}

    def require_eligible(self, caller: Caller) -> None:
        """Raise `Forbidden` unless the policy lets this caller decide in the open stage."""
        _, stage = self.opened()
        if not caller.has(*DECIDING_ROLES[stage.side]):
            message = f"the {stage.side.lower()}'s people decide now"
            raise Forbidden("not_your_stage", message, params={"side": stage.side})
        if not counts_for(caller, stage):
            groups = [group.name for group in stage.groups]
            message = f"the policy lets others decide in this stage: {', '.join(groups)}"
            raise Forbidden("not_eligible", message, params={"groups": groups})

    def vote(self, caller: Caller, command: Decide, terms: AccessTerms, now: datetime) -> "Deliberation":
        """Put a vote in place of the caller's earlier one; raises `Conflict` for the same vote again."""
        number, stage = self.opened()
        earlier = self.vote_of(caller.email)
        if earlier is not None and terms == self.terms and _same(earlier, command):
            raise Conflict("already_decided", "you have decided so already; others have to decide too")
        if earlier is not None and earlier.votes >= MOST_VOTES:
            message = f"you have decided {MOST_VOTES} times in this stage; the last decision stands"
            raise Conflict("too_many_votes", message, params={"most": MOST_VOTES})
        vote = CastVote(
            stage=number,
            side=stage.side,
            approver=caller.email,
            decision=command.decision,
            comment=command.comment,
            decided_at=now,
            counts_for=counts_for(caller, stage),
            request_digest=command.request_digest,
            changes=command.changes,
            votes=1 if earlier is None else earlier.votes + 1,
        )
        others = tuple(one for one in self.decisions if one is not earlier)
        return replace(self, terms=terms, decisions=(*others, vote))

    def vote_of(self, email: str) -> CastVote | None:
        """Return a person's vote in the open stage."""
        return next((one for one in self._in_stage() if one.approver == email), None)

    @property
    def verdict(self) -> Verdict | None:
        """The verdict of the open stage; None while it needs more votes."""
        if self.stage is None:
            return None
        if sum(one.decision == "deny" for one in self._in_stage()) >= self.stage.denials:
            return "deny"
        return None if any(self.missing().values()) else "approve"

    def _in_stage(self) -> Iterator[CastVote]:
        return (one for one in self.decisions if one.stage == self.number)

    def _approvals(self, stage: StageProgress) -> dict[str, list[str]]:
        """Return the people counted for each group: one person for one group."""
        approvals = {one.approver: one.counts_for for one in self._in_stage() if one.decision == "approve"}
        return assign(approvals, {group.name: group.approvals for group in stage.groups})


@dataclass(frozen=True)
class PendingDecision:
    """The decision that approvers have to make now: on the request itself, or on the extension of this number."""

    deliberation: Deliberation
    ends_at: datetime
    extension: int | None = None


def counts_for(caller: Caller, stage: StagePlan) -> tuple[str, ...]:
    """Return the groups of a stage that this caller's yes can count for, by the roles that the caller has now."""
    if not caller.has(*DECIDING_ROLES[stage.side]):
        return ()
    return tuple(
        group.name
        for group in stage.groups
        if caller.email in group.members
        or any(caller.has(role) for role in DECIDING_ROLES[stage.side] if role in group.members)
    )


def _same(vote: CastVote, command: Decide) -> bool:
    return (vote.decision, vote.comment) == (command.decision, command.comment)


def _unopened(stage: StagePlan) -> StageProgress:
    return StageProgress(name=stage.name, side=stage.side, groups=stage.groups, denials=stage.denials)
