"""Settings of request_service."""

from dataclasses import dataclass, field

from lockbox.contracts.fields import Count
from lockbox.contracts.rules import Bounds
from request_service.domain.pace import AskingLimits

MOST = 1_000_000


@dataclass(frozen=True)
class RequestSettings:
    """Settings of request_service: the requests in an hour of one engineer, and to one customer by all engineers."""

    requests_per_engineer: Count = field(default=20, metadata={"validate": Bounds(1, MOST)})
    requests_per_tenant: Count = field(default=60, metadata={"validate": Bounds(1, MOST)})

    def limits(self) -> AskingLimits:
        """Return the limits of asking."""
        return AskingLimits(self.requests_per_engineer, self.requests_per_tenant)
