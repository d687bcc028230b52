import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.keys import signing_key
from tests.unit.lockbox.guard.clocks import MovableClock
from tests.unit.lockbox.guard.stand_in import KEYS, STREAM, Behaviour, Handler, StandIn, answers, hang, portal_of
from tests.unit.lockbox.guard.stand_in import stream as usual
from tests.waiting import eventually

from lockbox.guard import stream as stream_module
from lockbox.guard.portal import PortalClient
from lockbox.guard.stream import LONGEST, Stream, events, lines

KEY, NEW_KEY = signing_key(1), signing_key(2)
PATIENCE = 1.0
Listen = Callable[..., Stream]


@pytest.fixture
def portal() -> Iterator[StandIn]:
    with portal_of(KEY.jwk) as portal:
        portal.revoked.append("g-1")
        yield portal


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def listen(portal: StandIn, clock: MovableClock) -> Iterator[Listen]:
    started: list[tuple[Stream, PortalClient]] = []

    def start(patience: float = PATIENCE) -> Stream:
        client = PortalClient(portal.url)
        stream = Stream(client, patience, clock)
        stream.start()
        started.append((stream, client))
        return stream

    yield start
    portal.released.set()
    for stream, client in started:
        stream.stop()
        client.close()


def age(stream: Stream) -> float:
    return stream._clock.monotonic() - stream.facts.heard_at


def fresh(stream: Stream) -> bool:
    return age(stream) < PATIENCE and bool(stream.facts.keys.by_kid)


# --- what is heard -------------------------------------------------------------------------------------------------


def test_stream_when_it_was_never_started_knows_nothing(portal: StandIn) -> None:
    stream = Stream(PortalClient(portal.url), PATIENCE, MovableClock())
    stream.stop()
    assert stream.facts.keys.by_kid == {}
    assert stream.facts.heard_at == float("-inf")
    assert portal.requests == []


def test_stream_when_the_portal_tells_knows_keys_and_revocations(listen: Listen, portal: StandIn) -> None:
    portal.revoked_keys.append("k-1")
    stream = listen()
    eventually(lambda: fresh(stream))
    facts = stream.facts
    assert set(facts.keys.by_kid) == {KEY.kid}
    assert (facts.revoked, facts.revoked_keys) == ({"g-1"}, {"k-1"})
    assert abs(facts.as_of - time.time()) < 5
    assert portal.asked(STREAM)[0]["Accept"] == "text/event-stream"


def test_stream_when_a_grant_or_a_key_is_revoked_learns_of_it_and_forgets_none(listen: Listen, portal: StandIn) -> None:
    stream = listen()
    eventually(lambda: fresh(stream))
    portal.revoked.extend(["g-2", "g-3"])
    eventually(lambda: stream.facts.revoked == {"g-1", "g-2", "g-3"})
    portal.revoked_keys.append(KEY.kid)
    eventually(lambda: KEY.kid in stream.facts.revoked_keys)
    assert stream.facts.revoked == {"g-1", "g-2", "g-3"}
    assert len(portal.asked(STREAM)) == 1


def test_stream_when_news_comes_gives_them_whole(listen: Listen, portal: StandIn) -> None:
    """What was read once does not change under the hands of whoever reads it."""
    stream = listen()
    eventually(lambda: fresh(stream))
    before = stream.facts
    portal.revoked.append("g-2")
    eventually(lambda: "g-2" in stream.facts.revoked)
    assert before.revoked == {"g-1"}


def test_stream_when_it_breaks_takes_up_where_it_ended(listen: Listen, portal: StandIn) -> None:
    stream = listen()
    eventually(lambda: fresh(stream))
    portal.behaviours[STREAM] = missing_nothing
    portal.cut()
    eventually(lambda: len(portal.asked(STREAM)) > 1)
    assert "Last-Event-ID" not in portal.asked(STREAM)[0]
    assert portal.asked(STREAM)[1]["Last-Event-ID"].endswith("Z")
    eventually(lambda: stream.facts.revoked == {"g-1", "g-missed"})


def test_stream_when_the_portal_can_not_revoke_knows_it_until_changes_come(listen: Listen, portal: StandIn) -> None:
    portal.behaviours[STREAM] = unable_after_a_snapshot
    stream = listen()
    eventually(lambda: fresh(stream) and not stream.facts.able)
    assert stream.facts.revoked == {"g-1"}
    portal.revoked.append("g-2")
    eventually(lambda: stream.facts.able)
    assert stream.facts.revoked == {"g-1", "g-2"}
    assert len(portal.asked(STREAM)) == 1


def unable_after_a_snapshot(handler: Handler) -> None:
    handler.begin_stream()
    handler.event("snapshot", handler.portal.told(["g-1"]))
    while handler.pause():
        kind = "changes" if "g-2" in handler.portal.revoked else "unable"
        handler.event(kind, handler.portal.told(["g-2"]))


def missing_nothing(handler: Handler) -> None:
    handler.begin_stream()
    handler.event("changes", handler.portal.told(["g-missed"]))
    while handler.pause():
        handler.event("changes", handler.portal.told([]))


def test_stream_when_the_portal_was_down_goes_on_when_it_is_back(
    listen: Listen, portal: StandIn, clock: MovableClock
) -> None:
    stream = listen()
    eventually(lambda: fresh(stream))
    portal.down()
    clock.advance(PATIENCE)
    assert age(stream) > PATIENCE
    assert stream.facts.revoked == {"g-1"}
    portal.up()
    eventually(lambda: fresh(stream))
    assert portal.asked(STREAM)[-1]["Last-Event-ID"]


def test_stream_when_a_snapshot_is_due_asks_for_it_and_forgets_what_no_longer_counts(
    listen: Listen, portal: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = listen()
    eventually(lambda: fresh(stream))
    portal.revoked[:] = ["g-2"]
    monkeypatch.setattr(stream_module, "SNAPSHOT_EVERY_SECONDS", 0.2)
    eventually(lambda: stream.facts.revoked == {"g-2"})
    assert "Last-Event-ID" not in portal.asked(STREAM)[-1]


def test_stream_when_a_resumption_is_refused_asks_for_everything(listen: Listen, portal: StandIn) -> None:
    stream = listen()
    eventually(lambda: fresh(stream))

    def refuses(handler: Handler) -> None:
        if handler.headers["Last-Event-ID"]:
            handler.say({"code": "invalid"}, 422)
        else:
            usual(handler)

    portal.behaviours[STREAM] = refuses
    portal.cut()
    portal.revoked.append("g-2")
    eventually(lambda: "g-2" in stream.facts.revoked)


# --- how old it is -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", [hang, answers(503), answers(401)], ids=["half open", "503", "401"])
def test_stream_when_the_portal_is_not_heard_grows_old(
    listen: Listen, portal: StandIn, behaviour: Behaviour, clock: MovableClock
) -> None:
    stream = listen(0.1)
    eventually(lambda: fresh(stream))
    portal.behaviours[STREAM] = behaviour
    portal.cut()
    eventually(lambda: len(portal.asked(STREAM)) > 2)
    heard_at = stream.facts.heard_at
    clock.advance(PATIENCE)
    eventually(lambda: len(portal.asked(STREAM)) > 4)
    assert stream.facts.heard_at == heard_at
    assert age(stream) > PATIENCE
    del portal.behaviours[STREAM]
    portal.cut()
    eventually(lambda: fresh(stream))


def test_stream_when_a_connection_falls_silent_is_given_up(listen: Listen, portal: StandIn) -> None:
    def falls_silent(handler: Handler) -> None:
        handler.begin_stream()
        handler.event("snapshot", handler.portal.told([]))
        handler.portal.released.wait()

    portal.behaviours[STREAM] = falls_silent
    listen(0.1)
    eventually(lambda: len(portal.asked(STREAM)) > 1)


def test_stream_when_nothing_but_comments_comes_is_given_up(
    listen: Listen, portal: StandIn, clock: MovableClock
) -> None:
    def comments(handler: Handler) -> None:
        handler.begin_stream()
        handler.event("snapshot", handler.portal.told([]))
        while handler.pause():
            handler.wfile.write(b": still here\n\n")

    portal.behaviours[STREAM] = comments
    stream = listen(PATIENCE)
    eventually(lambda: fresh(stream))
    assert len(portal.asked(STREAM)) == 1
    clock.advance(PATIENCE / 2)
    eventually(lambda: len(portal.asked(STREAM)) > 1)


def test_stream_when_the_connection_lags_counts_the_age_by_the_portals_clock_and_asks_anew(
    listen: Listen, portal: StandIn, clock: MovableClock
) -> None:
    """Events of half a minute ago that come all at once, such as after a machine slept, are not news."""

    def lags(handler: Handler) -> None:
        handler.portal.behaviours[STREAM] = hang
        handler.begin_stream()
        old = handler.portal.told([]) | {"as_of": "2026-01-31T09:30:00.000000Z"}
        handler.event("snapshot", old)
        while handler.pause():
            handler.event("changes", old)  # the portal's clock stands still: each is older than the one before

    portal.behaviours[STREAM] = lags
    stream = listen(1.0)
    eventually(lambda: stream.facts.keys.by_kid)
    heard_at = stream.facts.heard_at
    clock.advance(0.3)
    assert len(portal.asked(STREAM)) == 1
    assert age(stream) > 0.3
    clock.advance(0.2)
    eventually(lambda: len(portal.asked(STREAM)) > 1)
    assert stream.facts.heard_at == heard_at


def test_stream_when_the_portals_clock_runs_ahead_is_never_fresher_than_now(listen: Listen, portal: StandIn) -> None:
    def ahead(handler: Handler) -> None:
        handler.begin_stream()
        handler.event("snapshot", handler.portal.told([]) | {"as_of": "2026-01-31T09:30:00.000000Z"})
        handler.event("changes", handler.portal.told(["g-2"]) | {"as_of": "2026-01-31T10:30:00.000000Z"})
        handler.portal.released.wait()

    portal.behaviours[STREAM] = ahead
    stream = listen(30.0)
    eventually(lambda: "g-2" in stream.facts.revoked)
    assert age(stream) >= 0


def test_stream_when_the_portals_clock_is_set_back_asks_anew_at_once(listen: Listen, portal: StandIn) -> None:
    stream = listen()
    eventually(lambda: fresh(stream))
    portal.clock_is_off_by = timedelta(minutes=-10)
    eventually(lambda: len(portal.asked(STREAM)) > 1, within=10.0)
    eventually(lambda: fresh(stream) and stream.facts.as_of < time.time() - 500)


# --- nonsense ------------------------------------------------------------------------------------------------------

GOOD = {"as_of": "2026-01-31T09:30:00.000000Z", "grant_ids": [], "revoked_keys": [], "keys": "x"}


def snapshot(**changes: Any) -> bytes:
    told = {name: value for name, value in (GOOD | changes).items() if value is not ...}
    return f"event: snapshot\ndata: {json.dumps(told)}\n\n".encode()


NONSENSE = {
    "html": b"<h1>Welcome to the hotel's WiFi</h1>\n\n",
    "empty": b"",
    "not text": b"event: snapshot\ndata: \xff\xfe\xfd\n\n",
    "no data": b"event: snapshot\n\n",
    "null": b"event: snapshot\ndata: null\n\n",
    "list": b"event: snapshot\ndata: []\n\n",
    "cut": snapshot()[:-3],
    "nested": b"event: snapshot\ndata: " + b"[" * 100_000 + b"\n\n",
    "other events": snapshot().replace(b"snapshot", b"ping"),
    "changes of nothing": snapshot().replace(b"snapshot", b"changes"),
    "no time": snapshot(as_of=...),
    "a number as time": snapshot(as_of=7),
    "a text as time": snapshot(as_of="now"),
    "a time without offset": snapshot(as_of="2026-01-31T09:30:00"),
    "no ids": snapshot(grant_ids=...),
    "ids null": snapshot(grant_ids=None),
    "ids a text": snapshot(grant_ids="g-1"),
    "ids objects": snapshot(grant_ids=[{"id": "g-1"}]),
    "no revoked keys": snapshot(revoked_keys=...),
    "revoked keys an object": snapshot(revoked_keys={}),
    "no keys": snapshot(keys=...),
}


@pytest.mark.parametrize("data", NONSENSE.values(), ids=NONSENSE)
def test_stream_when_the_portal_talks_nonsense_believes_none_of_it_and_goes_on_asking(
    listen: Listen, portal: StandIn, data: bytes
) -> None:
    portal.behaviours[STREAM] = answers(data=data)
    stream = listen()
    eventually(lambda: len(portal.asked(STREAM)) > 2)
    assert stream.facts.revoked == set()
    assert not fresh(stream)
    del portal.behaviours[STREAM]
    eventually(lambda: fresh(stream))
    assert stream.facts.revoked == {"g-1"}


def test_stream_when_nonsense_follows_sense_keeps_what_it_knows(listen: Listen, portal: StandIn) -> None:
    stream = listen()
    eventually(lambda: fresh(stream))
    portal.behaviours[STREAM] = answers(data=snapshot(grant_ids="x"))
    portal.cut()
    eventually(lambda: len(portal.asked(STREAM)) > 3)
    assert stream.facts.revoked == {"g-1"}
    assert set(stream.facts.keys.by_kid) == {KEY.kid}


def test_stream_when_a_line_never_ends_is_given_up(
    listen: Listen, portal: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "LONGEST", 10_000)

    def endless(handler: Handler) -> None:
        handler.begin_stream()
        with suppress(OSError):
            while not handler.portal.released.is_set():
                handler.wfile.write(b"x" * 1_000)

    portal.behaviours[STREAM] = endless
    listen()
    eventually(lambda: len(portal.asked(STREAM)) > 2)


def test_lines_when_they_come_in_pieces_are_whole() -> None:
    data = 'event: snapshot\r\ndata: {"ü": "\u2028"}\n\n'.encode()
    for size in range(1, len(data)):
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        assert list(lines(pieces)) == ["event: snapshot\r", 'data: {"ü": "\u2028"}', ""]
        assert list(events(lines(pieces))) == [("snapshot", {"ü": "\u2028"})]


def test_lines_when_one_is_as_long_as_may_be_is_read() -> None:
    assert len(next(lines([b"x" * LONGEST, b"\n"]))) == LONGEST
    with pytest.raises(ValueError, match="a line of more than"):
        next(lines([b"x" * LONGEST, b"x", b"\n"]))


# --- keys ----------------------------------------------------------------------------------------------------------


def test_stream_when_keys_are_known_does_not_ask_for_them_each_time(listen: Listen, portal: StandIn) -> None:
    stream = listen()
    eventually(lambda: fresh(stream))
    for _ in range(5):
        heard_at = stream.facts.heard_at
        eventually(lambda before=heard_at: stream.facts.heard_at > before)  # type: ignore[misc]
    assert len(portal.asked(KEYS)) == 1


def test_stream_when_keys_are_rotated_learns_the_new_ones(listen: Listen, portal: StandIn) -> None:
    stream = listen()
    eventually(lambda: fresh(stream))
    portal.keys.insert(0, NEW_KEY.jwk)
    eventually(lambda: set(stream.facts.keys.by_kid) == {KEY.kid, NEW_KEY.kid})
    portal.keys.pop()
    eventually(lambda: set(stream.facts.keys.by_kid) == {NEW_KEY.kid})
    assert len(portal.asked(STREAM)) == 1


def test_stream_when_a_cache_gives_old_keys_asks_again(listen: Listen, portal: StandIn) -> None:
    stream = listen()
    eventually(lambda: fresh(stream))
    old = {"keys": list(portal.keys)}
    portal.behaviours[KEYS] = lambda handler: handler.say(old)
    portal.keys.insert(0, NEW_KEY.jwk)
    eventually(lambda: len(portal.asked(KEYS)) > 3)
    assert set(stream.facts.keys.by_kid) == {KEY.kid}
    del portal.behaviours[KEYS]
    eventually(lambda: NEW_KEY.kid in stream.facts.keys.by_kid)


def drip(handler: Handler) -> None:
    handler.begin_stream()
    while handler.pause():
        handler.wfile.write(b" ")


def endless_keys(handler: Handler) -> None:
    handler.begin_stream()
    with suppress(OSError):
        while not handler.portal.released.is_set():
            handler.wfile.write(b" " * 100_000)


BROKEN_KEYS: dict[str, Behaviour] = {
    "gone": answers(404),
    "down": answers(503),
    "moved": answers(302, Location="https://evil.example/"),
    "half open": hang,
    "slow": drip,
    "endless": endless_keys,
    "html": answers(data=b"<h1>Sign in</h1>"),
    "not text": answers(data=b"\xff\xfe"),
    "nested": answers(data=b"[" * 100_000),
    "null": answers(data=b"null"),
    "no keys": answers(data=b"{}"),
    "keys null": answers(data=b'{"keys": null}'),
    "keys numbers": answers(data=b'{"keys": [7]}'),
    "not a key": answers(data=b'{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "?"}]}'),
    "without id": answers(data=b'{"keys": [{"kty": "RSA"}]}'),
}


@pytest.mark.parametrize("behaviour", BROKEN_KEYS.values(), ids=BROKEN_KEYS)
def test_stream_when_the_keys_cannot_be_read_hears_of_revocations_all_the_same(
    listen: Listen, portal: StandIn, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "KEYS_WITHIN_SECONDS", 0.5)
    monkeypatch.setattr(stream_module, "LONGEST", 1_000_000)
    stream = listen()
    eventually(lambda: fresh(stream))
    portal.behaviours[KEYS] = behaviour
    portal.keys.insert(0, NEW_KEY.jwk)
    asked = len(portal.asked(KEYS))
    eventually(lambda: len(portal.asked(KEYS)) > asked)
    portal.revoked.append("g-2")
    eventually(lambda: "g-2" in stream.facts.revoked, within=PATIENCE)
    assert set(stream.facts.keys.by_kid) == {KEY.kid}, "known keys count on"
    assert age(stream) < PATIENCE
    del portal.behaviours[KEYS]
    portal.released.set() if behaviour is hang else None
    portal.cut()
    portal.released.clear()
    eventually(lambda: NEW_KEY.kid in stream.facts.keys.by_kid)


def test_stream_when_no_keys_were_ever_read_knows_none(listen: Listen, portal: StandIn) -> None:
    portal.behaviours[KEYS] = answers(503)
    stream = listen()
    eventually(lambda: "g-1" in stream.facts.revoked and portal.asked(KEYS))
    assert not fresh(stream)


# --- the end -------------------------------------------------------------------------------------------------------


def test_stop_when_called_ends_the_thread_and_asks_no_more(portal: StandIn, caplog: pytest.LogCaptureFixture) -> None:
    client = PortalClient(portal.url)
    stream = Stream(client, PATIENCE, MovableClock())
    stream.start()
    eventually(lambda: fresh(stream))
    with caplog.at_level(logging.WARNING):
        stream.stop()
        client.close()
    asked = len(portal.requests)
    assert stream._thread is not None
    assert not stream._thread.is_alive()
    assert len(portal.requests) == asked
    assert caplog.records == []
