"""A budget of steps for checking and evaluating a policy, so that one document does not keep others waiting."""

from collections.abc import Callable
from dataclasses import dataclass

from lockbox.errors import Invalid

MOST_STEPS = 500_000
"""Comparisons of a pattern with a resource, or of a person with a group, for one document."""

STEPS_WITHOUT_PAUSE = 500


def no_pause() -> None:
    """Return at once; no other call runs meanwhile."""


@dataclass
class Budget:
    """The steps that are left; `pause` is called now and then, and lets other work go on."""

    pause: Callable[[], None] = no_pause
    left: int = MOST_STEPS
    since_pause: int = 0

    def spend(self, steps: int) -> None:
        """Take steps from the budget. Raises `Invalid` once it is spent."""
        self.left -= steps
        self.since_pause += steps
        if self.since_pause >= STEPS_WITHOUT_PAUSE:
            self.since_pause = 0
            self.pause()
        self.require_rest()

    def require_rest(self) -> None:
        """Raise `Invalid` if the budget is spent."""
        if self.left < 0:
            message = f"this policy takes more than {MOST_STEPS} steps; expected fewer patterns, groups or resources"
            raise Invalid("policy_too_complex", message, params={"most": MOST_STEPS})
