import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import NOW, REQUEST_ID

from lockbox.contracts.access import ListRevocations, RevocationList
from lockbox.contracts.identity import Role
from portal_service import revocation_stream

OTHER_ID = "3b241101-e2bb-4255-8caf-4136c566a962"


def known(*grant_ids: str, after: float = 0, keys: str = "one", **more: Any) -> RevocationList:
    """What is answered so many seconds later."""
    as_of = NOW + timedelta(seconds=after)
    return RevocationList(as_of=as_of, grant_ids=grant_ids, keys=keys, **{"revoked_keys": (), **more})


class Times:
    """Stands where the monotonic clock stands."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


class Heard:
    """A listener that hears this, one answer in so many seconds, and then is sent away."""

    def __init__(self, times: Times, *answers: RevocationList | None, every: float = 0.15) -> None:
        self._answers = list(answers)
        self._times = times
        self._every = every
        self.open = True

    def next(self, within: float) -> RevocationList | None:
        if not self._answers:
            self.open = False
            return None
        answer = self._answers.pop(0)
        self._times.now += within if answer is None else self._every
        return answer


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> Times:
    times = Times()
    monkeypatch.setattr(revocation_stream, "time", times)
    return times


def able() -> bool:
    return True


def told(events: Iterator[str]) -> list[tuple[str, dict[str, Any]]]:
    """Kind and data of each event."""
    blocks = [dict(line.split(": ", 1) for line in event.strip().splitlines()) for event in events]
    told_to = [block for block in blocks if block["event"] != "unable"]
    assert all(block["id"] == json.loads(block["data"])["as_of"] for block in told_to)
    return [(block["event"], json.loads(block["data"])) for block in blocks]


def test_stream_when_it_begins_tells_everything_that_counts(times: Times) -> None:
    [(kind, data)] = told(revocation_stream.stream(Heard(times), known(REQUEST_ID, revoked_keys=("k1",)), able))
    assert kind == "snapshot"
    assert data.keys() == {"as_of", "grant_ids", "revoked_keys", "keys"}
    assert (data["grant_ids"], data["revoked_keys"], data["keys"]) == ([REQUEST_ID], ["k1"], "one")


def test_stream_when_it_goes_on_where_one_broke_tells_what_came_since(times: Times) -> None:
    [(kind, data)] = told(revocation_stream.stream(Heard(times), known(REQUEST_ID, since=NOW), able))
    assert (kind, data["grant_ids"]) == ("changes", [REQUEST_ID])


def test_stream_when_a_grant_ends_tells_it_at_once_and_once(times: Times) -> None:
    heard = Heard(times, known(after=0.1), *[known(OTHER_ID, after=0.2 + n / 10) for n in range(4)])
    events = told(revocation_stream.stream(heard, known(), able))
    assert [(kind, data["grant_ids"]) for kind, data in events] == [("snapshot", []), ("changes", [OTHER_ID])]
    assert events[1][1]["as_of"] == "2026-01-31T09:30:00.323456Z"


@pytest.mark.parametrize("change", [{"keys": "two"}, {"revoked_keys": ("k1",)}])
def test_stream_when_the_keys_change_tells_it_at_once(times: Times, change: dict[str, Any]) -> None:
    heard = Heard(times, known(after=0.1), known(after=0.2, **change), known(after=0.3, **change))
    events = told(revocation_stream.stream(heard, known(), able))
    assert [data["as_of"][-10:] for _, data in events] == ["00.123456Z", "00.323456Z"]


def test_stream_when_nothing_happens_says_so_each_second(times: Times) -> None:
    heard = Heard(times, *[known(after=n / 4) for n in range(20)], every=0.25)
    events = told(revocation_stream.stream(heard, known(), able))
    assert len(events) == 1 + 5
    assert all(data["grant_ids"] == [] for _, data in events)


def test_stream_when_nothing_can_be_learned_is_silent(times: Times) -> None:
    assert len(told(revocation_stream.stream(Heard(times, *[None] * 20), known(), able))) == 1


def test_stream_when_it_is_old_ends_so_that_the_client_is_asked_again_who_it_is(times: Times) -> None:
    heard = Heard(times, *[known(after=n) for n in range(2_000)], every=1.0)
    assert len(told(revocation_stream.stream(heard, known(), able))) == 1 + revocation_stream.STREAM_SECONDS


def test_stream_when_the_portal_takes_no_revocation_says_so_at_once_and_each_second(times: Times) -> None:
    heard = Heard(times, *[known(after=n / 4) for n in range(9)], every=0.25)
    states = iter([True, True, *[False] * 8])
    events = list(revocation_stream.stream(heard, known(), lambda: next(states)))
    assert [(kind, data.keys()) for kind, data in told(iter(events[1:]))] == [("unable", {"as_of"})] * 2
    assert not any(line.startswith("id:") for event in events[1:] for line in event.splitlines())


def test_stream_when_the_portal_takes_revocations_again_tells_those_of_meanwhile(times: Times) -> None:
    heard = Heard(times, known(after=0.1), known(OTHER_ID, after=0.2), known(after=0.3), known(after=0.4))
    states = iter([True, False, False, False, True])
    events = told(revocation_stream.stream(heard, known(), lambda: next(states)))
    assert [kind for kind, _ in events] == ["snapshot", "unable", "changes"]
    assert events[2][1]["grant_ids"] == [OTHER_ID]


def test_stream_when_it_begins_without_revocations_gives_its_snapshot_later(times: Times) -> None:
    heard = Heard(times, known(OTHER_ID, after=0.1, revoked_keys=("k1",)), known(after=0.2, revoked_keys=("k1",)))
    states = iter([False, False, True])
    events = told(revocation_stream.stream(heard, known(REQUEST_ID), lambda: next(states)))
    assert [kind for kind, _ in events] == ["unable", "snapshot"]
    assert (events[1][1]["grant_ids"], events[1][1]["revoked_keys"]) == ([REQUEST_ID, OTHER_ID], ["k1"])


class Services:
    """Keeps what was asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def call(self, caller: Any, message: Any) -> Any:
        self.asked.append((caller, message))
        return known()


def test_ask_when_there_was_an_answer_asks_for_what_came_after_it() -> None:
    services = Services()
    revocation_stream.ask(services, known(after=7))
    [(caller, message)] = services.asked
    assert message == ListRevocations(since=NOW + timedelta(seconds=7))
    assert (caller.email, caller.roles) == ("portal_service", {Role.ENFORCEMENT_POINT})
