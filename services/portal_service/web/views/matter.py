"""What people decide on now: a request, or the extension of its access."""

from dataclasses import dataclass
from datetime import datetime

from lockbox.contracts.approval.views import ApprovalReading, DecisionView, Deliberating, ExtensionView, Stage
from lockbox.contracts.request.terms import AccessTerms
from portal_service.usecases import RequestDetails


@dataclass(frozen=True)
class Matter:
    """What is decided on, in its open stage, counted from 1; `digest` is the one that a decision is bound to."""

    deliberating: Deliberating
    digest: str
    terms: AccessTerms
    number: int
    expires_at: datetime
    extension: ExtensionView | None = None

    @property
    def noun(self) -> str:
        """What it is called in text."""
        return "extension" if self.extension else "request"

    @property
    def stage(self) -> Stage:
        """The stage that is open."""
        return self.deliberating.stages[self.number - 1]

    @property
    def following(self) -> Stage | None:
        """The stage that comes after a yes of this one, or None."""
        return next(iter(self.deliberating.stages[self.number :]), None)

    @property
    def words(self) -> list[DecisionView]:
        """What was said in the open stage so far."""
        return [decision for decision in self.deliberating.decisions if decision.stage == self.number]

    def word_of(self, email: str) -> DecisionView | None:
        """What somebody said in the open stage."""
        return next((decision for decision in self.words if decision.approver == email), None)


def matter_of(decided: RequestDetails | ApprovalReading) -> Matter | None:
    """What waits for a decision; None while nothing does."""
    extension = pending_extension(decided)
    deliberating = extension or _of_request(decided)
    terms = extension.terms if extension else decided.terms
    number = _open_stage(deliberating)
    if deliberating.request_digest is None or terms is None or number is None:
        return None
    until = decided.grant.ends_at if extension and decided.grant else decided.expires_at
    return Matter(deliberating, deliberating.request_digest, terms, number, until, extension)


def pending_extension(decided: RequestDetails | ApprovalReading) -> ExtensionView | None:
    """The extension that waits for a decision."""
    return next((one for one in decided.extensions if one.state == "PENDING"), None)


def _of_request(decided: RequestDetails | ApprovalReading) -> Deliberating:
    return Deliberating(stages=decided.stages, decisions=decided.decisions, request_digest=decided.request_digest)


def _open_stage(deliberating: Deliberating) -> int | None:
    for number, stage in enumerate(deliberating.stages, start=1):
        if stage.opened_at is not None and stage.closed_at is None:
            return number
    return None
