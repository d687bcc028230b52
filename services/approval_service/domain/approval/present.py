"""The circumstances of an operation: its time, and the policies that are in force then."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from approval_service.domain.policy.budget import no_pause
from approval_service.domain.policy.policy import Policy


@dataclass(frozen=True)
class Present:
    """The time of an operation, and the policy in force of a tenant; the policy is read where access could open.

    `pause` lets other calls go on during an evaluation.
    """

    now: datetime
    policy_of: Callable[[str], Policy]
    pause: Callable[[], None] = no_pause
