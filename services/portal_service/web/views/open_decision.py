"""The open decision of a request: the votes so far, and the stages that it goes through."""

from lockbox.contracts.approval.views import (
    ApprovalReading,
    DecisionView,
    Deliberating,
    ExtensionView,
    OpenDecision,
    Stage,
)
from portal_service.usecases import RequestDetails

Decided = RequestDetails | ApprovalReading


def noun(open_decision: OpenDecision) -> str:
    """Return the subject of the decision: `request` or `extension`."""
    return "request" if open_decision.extension is None else "extension"


def extension_of(decided: Decided) -> ExtensionView | None:
    """Return the extension that waits for a decision, or None."""
    number = decided.open.extension if decided.open else None
    return next((one for one in decided.extensions if one.number == number), None)


def deliberation_of(decided: Decided) -> Deliberating:
    """Return the stages and decisions of the extension that waits for a decision, else those of the request."""
    whole = Deliberating(stages=decided.stages, decisions=decided.decisions, request_digest=decided.request_digest)
    return extension_of(decided) or whole


def open_stage(decided: Decided) -> Stage | None:
    """Return the stage that is open, or None."""
    return deliberation_of(decided).stages[decided.open.stage - 1] if decided.open else None


def votes(decided: Decided) -> list[DecisionView]:
    """Return the decisions in the open stage, one for each approver."""
    number = decided.open.stage if decided.open else None
    return [decision for decision in deliberation_of(decided).decisions if decision.stage == number]


def vote_of(decided: Decided, email: str) -> DecisionView | None:
    """Return the decision of one approver in the open stage, or None."""
    return next((vote for vote in votes(decided) if vote.approver == email), None)
