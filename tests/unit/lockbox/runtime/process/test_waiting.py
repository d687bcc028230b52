import eventlet
import pytest

from lockbox.errors import Unavailable
from lockbox.runtime.process.waiting import Patience, until


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(eventlet, "sleep", taken.append)
    return taken


class Fails:
    """Fails so many times, then works."""

    def __init__(self, times: int, error: Exception) -> None:
        self.left = times
        self.error = error
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.error


def test_until_when_it_works_at_once_does_not_wait(naps: list[float]) -> None:
    attempt = Fails(0, Unavailable("x", "y"))
    until(attempt, Unavailable, "mongodb_unavailable")
    assert (attempt.calls, naps) == (1, [])


def test_until_when_it_fails_for_long_waits_longer_up_to_two_seconds(naps: list[float]) -> None:
    attempt = Fails(7, Unavailable("x", "y"))
    until(attempt, Unavailable, "mongodb_unavailable")
    assert attempt.calls == 8
    assert naps == [0.5, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0]


def test_until_when_it_is_another_error_raises_it(naps: list[float]) -> None:
    with pytest.raises(ZeroDivisionError):
        until(Fails(1, ZeroDivisionError()), Unavailable, "mongodb_unavailable")
    assert naps == []


def test_patience_when_used_up_says_so(naps: list[float]) -> None:
    patience = Patience(1.0, step=0.25)
    assert [patience() for _ in range(5)] == [True, True, True, False, False]
    assert naps == [0.25] * 5
