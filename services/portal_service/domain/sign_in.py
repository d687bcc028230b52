"""Limits of sign-ins: attempts are counted before they are judged, and many make the next one wait; none locks out.

A stranger's attempts count for the source, for the address, and for both together. A browser in which the person was
signed in before has a count of its own, so that strangers do not slow it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from lockbox.contracts.fields import Timestamp
from lockbox.errors import TooMany
from lockbox.values.addresses import network_of

CLOCKS_APART = timedelta(minutes=1)
FORGOTTEN_AFTER = timedelta(hours=1)
LONGEST_EXPONENT = 20


@dataclass(frozen=True)
class Allowance:
    """A number of attempts that may follow each other at once, and the longest wait after more of them."""

    at_once: int
    longest: timedelta

    def wait(self, count: int) -> timedelta:
        """Return the wait after so many attempts: none, then 1 s, 2 s, 4 s, up to the longest."""
        beyond = count - self.at_once
        if beyond < 0:
            return timedelta()
        return min(timedelta(seconds=2 ** min(beyond, LONGEST_EXPONENT)), self.longest)


OF_SOURCE_AND_ADDRESS = Allowance(10, timedelta(minutes=10))
OF_SOURCE = Allowance(100, timedelta(minutes=1))
OF_ADDRESS = Allowance(50, timedelta(minutes=1))
OF_BROWSER = Allowance(10, timedelta(minutes=5))


@dataclass(frozen=True)
class Visitor:
    """The sender of a sign-in: the source address, and the id of the browser if the person was in it before."""

    source: str | None = None
    browser: str | None = None

    def allowances(self, email: str) -> tuple[tuple[str, Allowance], ...]:
        """Return the counts that an attempt is added to, each with its allowance."""
        if self.browser is not None:
            return ((f"browser:{email}:{self.browser}", OF_BROWSER),)
        network = network_of(self.source)
        return (
            (f"source:{network}", OF_SOURCE),
            (f"both:{email}:{network}", OF_SOURCE_AND_ADDRESS),
            (f"address:{email}", OF_ADDRESS),
        )


@dataclass(frozen=True, kw_only=True)
class AttemptCount:
    """The attempts of one kind: their number, the time of the last, and the time from which another is judged."""

    count: int = 0
    last: Timestamp
    free_at: Timestamp

    @classmethod
    def none(cls, now: datetime) -> "AttemptCount":
        """Return the count of no attempts."""
        return cls(last=now, free_at=now)

    def add(self, allowance: Allowance, now: datetime) -> "AttemptCount":
        """Count an attempt. Raises `TooMany` if it comes before its time.

        Where the last attempt lies in the future, a clock that was ahead has set the time, and it does not count.
        """
        if self.last - CLOCKS_APART <= now < self.free_at:
            raise wait_for(self.free_at - now)
        count = 1 if now - self.last >= FORGOTTEN_AFTER else self.count + 1
        return AttemptCount(count=count, last=now, free_at=now + allowance.wait(count))

    def take_back(self, now: datetime) -> "AttemptCount":
        """Uncount an attempt that was no guess."""
        return AttemptCount(count=max(self.count - 1, 0), last=self.last, free_at=now)


def wait_for(time: timedelta) -> TooMany:
    """Return the error of an attempt that comes too early."""
    seconds = max(1, ceil(time.total_seconds()))
    message = f"too many sign-ins; wait {seconds} seconds"
    return TooMany("too_many_attempts", message, params={"retry_after": seconds})
