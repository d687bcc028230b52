"""How far a request has come: asked, decided stage by stage, and access."""

from dataclasses import dataclass
from datetime import datetime

from lockbox.contracts.approval import Decision, GrantState, GrantView, Stage
from lockbox.contracts.request import PENDING
from portal_service.usecases import RequestDetails
from portal_service.web import acts, words


@dataclass(frozen=True)
class Step:
    """One step on the way; `standing` is `done`, `open`, `failed`, `ahead` or `left` (behind)."""

    title: str
    standing: str
    summary: str
    at: datetime | None = None
    decisions: tuple[Decision, ...] = ()


def steps(request: RequestDetails) -> list[Step]:
    """The way of a request, from the question to the access."""
    asked = Step("Requested", "done", f"by {request.requester}", request.created_at)
    return [asked, *(_stage(stage, request) for stage in request.stages), _access(request)]


def _stage(stage: Stage, request: RequestDetails) -> Step:
    decisions = tuple(acts.decisions_in(stage, request))
    yeses = sum(decision.decision == "approve" for decision in decisions)
    standing = _standing(stage, request, yeses, denied=len(decisions) > yeses)
    summary = f"{yeses} of {words.counted(stage.quorum, 'approval')}"
    if standing == "failed" and len(decisions) > yeses:
        summary = "rejected"
    if standing == "left":
        summary = "not asked"
    at = decisions[-1].decided_at if decisions else None
    return Step(f"{words.STAGES[stage.name].capitalize()} approval", standing, summary, at, decisions)


def _standing(stage: Stage, request: RequestDetails, yeses: int, *, denied: bool) -> str:
    pending = request.state in PENDING
    if denied:
        return "failed"
    if yeses >= stage.quorum:
        return "done"
    if stage.opened_at is None:
        return "ahead" if pending else "left"
    return "open" if pending else "failed"


def _access(request: RequestDetails) -> Step:
    if request.grant is not None:
        return _granted(request.grant)
    if request.state in PENDING:
        return Step("Access", "ahead", f"{words.spoken(request.duration)} at most, once approved")
    return Step("No access", "left", f"the request is {words.state(request.state).lower()}")


def _granted(grant: GrantView) -> Step:
    if grant.state == GrantState.SCHEDULED:
        return Step("Access", "open", "opens later", grant.starts_at)
    if grant.state == GrantState.ACTIVE:
        return Step("Access", "done", "open now", grant.starts_at)
    standing = "failed" if grant.state == GrantState.REVOKED else "left"
    return Step("Access", standing, words.state(grant.state).lower(), grant.ended_at)
