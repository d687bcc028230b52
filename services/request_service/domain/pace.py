"""Limits of asking: an engineer asks so often, and a customer is asked so often, before it takes time.

A number of requests may come at once, and each comes back after its part of an hour: the generic cell rate algorithm
(ITU-T I.371). A pace is one moment, the time at which all have come back.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Literal

from lockbox.errors import TooMany

HOUR = timedelta(hours=1)
MESSAGES = {
    "engineer": "{name} asks more often than {most} times in an hour; ask again in {retry_after} seconds",
    "tenant": "{name} is asked more often than {most} times in an hour; ask again in {retry_after} seconds",
}


@dataclass(frozen=True)
class AskingLimit:
    """The requests of one engineer, or to one customer, that may come at once; an hour later all have come back."""

    of: Literal["engineer", "tenant"]
    name: str
    requests: int

    @property
    def key(self) -> str:
        """The key of its pace."""
        return f"{self.of}:{self.name}"

    @property
    def returns_after(self) -> timedelta:
        """The time after which one request comes back."""
        return HOUR / self.requests

    def latest(self, now: datetime) -> datetime:
        """Return the latest pace that leaves room for one more request."""
        return now + HOUR - self.returns_after

    def refusal(self, pace: datetime, now: datetime) -> TooMany:
        """Return the error of a request that comes too early, with the wait."""
        wait = max(1, ceil((pace - self.latest(now)).total_seconds()))
        message = MESSAGES[self.of].format(name=self.name, most=self.requests, retry_after=wait)
        return TooMany(
            "too_many_requests",
            message,
            params={"of": self.of, "name": self.name, "most": self.requests, "retry_after": wait},
        )


@dataclass(frozen=True)
class AskingLimits:
    """The requests in an hour of one engineer, and to one customer."""

    per_engineer: int
    per_tenant: int

    def of(self, engineer: str, tenant: str) -> Iterator[AskingLimit]:
        """Yield the allowances that a request is counted in."""
        yield AskingLimit("engineer", engineer, self.per_engineer)
        yield AskingLimit("tenant", tenant, self.per_tenant)
