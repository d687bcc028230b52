"""The progress of a request or an extension: requested, decided stage by stage, and access."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lockbox.contracts.approval.views import DecisionView, Deliberating, ExtensionView, Judgement, Stage
from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.grant.views import GrantView
from lockbox.contracts.request.terms import PENDING
from portal_service.usecases import RequestDetails
from portal_service.web.wording import words

NO_JUDGEMENT = Judgement()


@dataclass(frozen=True)
class GroupStanding:
    """The approvals that a group has given, of those that it has to give."""

    name: str
    given: int
    needed: int

    @property
    def satisfied(self) -> bool:
        """Tell whether the group has given all its approvals."""
        return self.given >= self.needed


@dataclass(frozen=True)
class Step:
    """One step of the progress; `standing` is `done`, `open`, `failed`, `ahead` or `left` (behind)."""

    title: str
    standing: str
    summary: str
    at: datetime | None = None
    groups: tuple[GroupStanding, ...] = ()


def steps(request: RequestDetails) -> list[Step]:
    """Return the steps of a request, from the question to the access."""
    asked = Step("Requested", "done", f"by {request.requester}", request.created_at)
    pending = request.state in PENDING
    stages = stage_steps(request, request.you if pending else NO_JUDGEMENT, pending=pending)
    return [asked, *stages, _access(request)]


def extension_steps(extension: ExtensionView, you: Judgement) -> list[Step]:
    """Return the steps of an extension through the same stages."""
    pending = extension.state == "PENDING"
    return list(stage_steps(extension, you if pending else NO_JUDGEMENT, pending=pending))


def stage_steps(decided: RequestDetails | Deliberating, you: Judgement, *, pending: bool) -> Iterator[Step]:
    """Yield a step for each stage; the approvals that the open one still needs are in the judgement."""
    for number, stage in enumerate(decided.stages, start=1):
        decisions = [decision for decision in decided.decisions if decision.stage == number]
        standing = _standing(stage, decisions, pending=pending)
        at = stage.closed_at or (decisions[-1].decided_at if decisions else None)
        yield Step(stage.name, standing, _summary(stage, standing), at, _groups(stage, decisions, standing, you))


def _standing(stage: Stage, decisions: list[DecisionView], *, pending: bool) -> str:
    if stage.closed_at is not None:
        return "done"
    if stage.opened_at is None:
        return "ahead" if pending else "left"
    if pending:
        return "open"
    denials = sum(decision.decision == "deny" for decision in decisions)
    return "failed" if denials >= stage.denials else "left"


def _summary(stage: Stage, standing: str) -> str:
    whose = f"the {words.side(stage.side)}'s people"
    ends = {"failed": f"rejected by {whose}", "left": f"{whose} did not decide"}
    return ends.get(standing, whose)


def _groups(stage: Stage, decisions: list[DecisionView], standing: str, you: Judgement) -> tuple[GroupStanding, ...]:
    if standing == "left" and stage.opened_at is None:
        return ()
    missing = {one.group: one.approvals for one in you.missing}
    yeses = [decision for decision in decisions if decision.decision == "approve"]

    def given(name: str, needed: int) -> int:
        if standing == "done":
            return needed
        if standing == "open":
            return needed - missing.get(name, 0)
        return min(needed, sum(name in yes.counts_for for yes in yeses))

    return tuple(
        GroupStanding(group.name, given(group.name, group.approvals), group.approvals) for group in stage.groups
    )


def _access(request: RequestDetails) -> Step:
    if request.grant is not None:
        return _granted(request.grant)
    if request.state in PENDING:
        left = (request.terms or request).duration
        return Step("Access", "ahead", f"{words.spoken(left)} at most, once approved")
    return Step("No access", "left", f"the request is {words.state(request.state).lower()}")


def _granted(grant: GrantView) -> Step:
    how = "" if grant.opened_by == "approval" else f", {words.opened(grant.opened_by).lower()}"
    if grant.state == GrantState.SCHEDULED:
        return Step("Access", "open", f"opens later{how}", grant.starts_at)
    if grant.state == GrantState.ACTIVE:
        return Step("Access", "done", f"open now{how}", grant.starts_at)
    standing = "failed" if grant.state == GrantState.REVOKED else "left"
    return Step("Access", standing, f"{words.state(grant.state).lower()}{how}", grant.ended_at)
