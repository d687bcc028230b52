"""An extension: an engineer's wish for more time, decided while the access goes on."""

from dataclasses import dataclass
from typing import Literal

from approval_service.domain.approval.deliberation import Deliberation
from lockbox.contracts.approval.views import ExtensionView
from lockbox.contracts.fields import Duration, Timestamp


@dataclass(frozen=True, kw_only=True)
class Extension:
    """One wish for more time; its terms are those of the access, `duration` longer, from the end that it has now."""

    number: int
    duration: Duration
    justification: str
    asked_at: Timestamp
    deliberation: Deliberation
    state: Literal["PENDING", "APPROVED", "DENIED", "LAPSED"] = "PENDING"

    def as_view(self, request_digest: str | None) -> ExtensionView:
        """As its readers see it."""
        return ExtensionView(
            number=self.number,
            duration=self.duration,
            terms=self.deliberation.terms,
            justification=self.justification,
            asked_at=self.asked_at,
            state=self.state,
            stages=self.deliberation.stages,
            decisions=self.deliberation.decisions,
            request_digest=request_digest,
        )
