"""The extension of a grant, as an approval remembers it."""

from dataclasses import dataclass
from typing import Literal

from approval_service.domain.approval.deliberation import Deliberation
from lockbox.contracts.fields import Duration, Timestamp


@dataclass(frozen=True, kw_only=True)
class Extension:
    """One request for more time; its terms are those of the access, `duration` longer, from the end that it has now."""

    number: int
    duration: Duration
    justification: str
    asked_at: Timestamp
    deliberation: Deliberation
    state: Literal["PENDING", "APPROVED", "DENIED", "LAPSED"] = "PENDING"
