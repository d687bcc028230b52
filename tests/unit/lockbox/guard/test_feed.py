from collections.abc import Callable, Iterator

import httpx
import pytest
from tests.unit.builders import signing_key
from tests.unit.lockbox.fake_portal import URL, FakePortal
from tests.waiting import eventually

from lockbox.guard import feed as feed_module
from lockbox.guard.feed import Feed

KEYS, REVOCATIONS = "GET /.well-known/jwks.json", "GET /api/v1/revocations"
MakeFeed = Callable[..., Feed]


@pytest.fixture
def make_feed(portal: FakePortal, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeFeed]:
    monkeypatch.setattr(feed_module, "POLL_SECONDS", 0.01)
    portal.says(KEYS, {"keys": [signing_key().jwk]})
    portal.says(REVOCATIONS, {"as_of": "2026-01-31T09:30:00.000000Z", "grant_ids": ["g-1"]})
    started: list[Feed] = []

    def make(stale_after: float = 60.0) -> Feed:
        feed = Feed(httpx.Client(base_url=URL), stale_after)
        feed.start()
        started.append(feed)
        return feed

    yield make
    for feed in started:
        feed.stop()


def test_feed_when_it_was_never_started_knows_nothing() -> None:
    feed = Feed(httpx.Client(base_url=URL), 60.0)
    assert not feed.fresh
    assert feed.keys.by_kid == {}
    assert "g-1" not in feed.revoked


def test_feed_when_the_portal_answers_knows_keys_and_revocations(make_feed: MakeFeed) -> None:
    feed = make_feed()
    assert eventually(lambda: feed.fresh)
    assert set(feed.keys.by_kid) == {signing_key().kid}
    assert "g-1" in feed.revoked
    assert "g-2" not in feed.revoked


def test_feed_when_a_grant_is_revoked_learns_of_it(make_feed: MakeFeed, portal: FakePortal) -> None:
    feed = make_feed()
    eventually(lambda: feed.fresh)
    portal.says(REVOCATIONS, {"grant_ids": ["g-1", "g-2"]})
    assert eventually(lambda: "g-2" in feed.revoked)


def test_feed_when_keys_are_known_does_not_ask_for_them_each_time(make_feed: MakeFeed, portal: FakePortal) -> None:
    make_feed()
    eventually(lambda: len(portal.asked(REVOCATIONS)) > 3)
    assert len(portal.asked(KEYS)) == 1


def test_feed_when_keys_are_old_asks_for_them_again(
    make_feed: MakeFeed, portal: FakePortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "KEYS_KEPT_SECONDS", 0.0)
    feed = make_feed()
    eventually(lambda: feed.fresh)
    portal.says(KEYS, {"keys": [signing_key(2).jwk]})
    assert eventually(lambda: set(feed.keys.by_kid) == {signing_key(2).kid})


def test_feed_when_nothing_was_heard_for_too_long_is_stale(make_feed: MakeFeed, portal: FakePortal) -> None:
    feed = make_feed(stale_after=0.0)
    eventually(lambda: len(portal.asked(REVOCATIONS)) > 2)
    assert not feed.fresh


def nested(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=b'{"grant_ids":' + b"[" * 100_000)


NONSENSE = {
    "away": httpx.ConnectError("no route"),
    "slow": httpx.ReadTimeout("too slow"),
    "broken": httpx.RemoteProtocolError("gone"),
    "503": httpx.Response(503, json={"code": "unavailable", "detail": "later"}),
    "401": httpx.Response(401, json={"code": "token_unknown", "detail": "who?"}),
    "moved": httpx.Response(301, headers={"Location": "https://elsewhere.example/"}),
    "html": httpx.Response(200, html="<h1>Welcome to the hotel's WiFi</h1>"),
    "empty": httpx.Response(200),
    "not text": httpx.Response(200, content=b"\xff\xfe\xfd"),
    "null": httpx.Response(200, json=None),
    "list": httpx.Response(200, json=[]),
    "no ids": httpx.Response(200, json={"as_of": "2026-01-31T09:30:00.000000Z"}),
    "ids null": httpx.Response(200, json={"grant_ids": None}),
    "ids a number": httpx.Response(200, json={"grant_ids": 7}),
    "ids a text": httpx.Response(200, json={"grant_ids": "g-1"}),
    "ids an object": httpx.Response(200, json={"grant_ids": {}}),
    "ids of no text": httpx.Response(200, json={"grant_ids": [{"id": "g-1"}]}),
    "ids numbers": httpx.Response(200, json={"grant_ids": [1, 2]}),
    "nested": nested,
}


@pytest.mark.parametrize("answer", NONSENSE.values(), ids=NONSENSE)
def test_feed_when_the_portal_talks_nonsense_is_not_fresh_and_goes_on_asking(
    make_feed: MakeFeed, portal: FakePortal, answer: httpx.Response | httpx.HTTPError
) -> None:
    portal.on(REVOCATIONS, answer)
    feed = make_feed()
    eventually(lambda: len(portal.asked(REVOCATIONS)) > 1, within=5)
    assert not feed.fresh
    portal.says(REVOCATIONS, {"grant_ids": ["g-1"]})
    assert eventually(lambda: feed.fresh, within=5)


@pytest.mark.parametrize(
    "answer",
    [httpx.ConnectError("no route"), httpx.Response(500), httpx.Response(200, json={"grant_ids": "x"})],
    ids=["away", "500", "nonsense"],
)
def test_feed_when_the_portal_goes_away_keeps_what_it_knows(
    make_feed: MakeFeed, portal: FakePortal, answer: httpx.Response | httpx.HTTPError
) -> None:
    feed = make_feed()
    eventually(lambda: feed.fresh)
    portal.on(REVOCATIONS, answer)
    asked = len(portal.asked(REVOCATIONS))
    eventually(lambda: len(portal.asked(REVOCATIONS)) > asked + 2)
    assert "g-1" in feed.revoked
    assert set(feed.keys.by_kid) == {signing_key().kid}


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"keys": None},
        {"keys": 7},
        {"keys": [None]},
        {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "?"}]},
    ],
    ids=repr,
)
def test_feed_when_the_keys_are_nonsense_is_not_fresh_and_goes_on_asking(
    make_feed: MakeFeed, portal: FakePortal, document: object
) -> None:
    portal.says(KEYS, document)
    feed = make_feed()
    eventually(lambda: len(portal.asked(KEYS)) > 1)
    assert not feed.fresh
    portal.says(KEYS, {"keys": [signing_key().jwk]})
    assert eventually(lambda: feed.fresh)


def test_feed_when_stopped_asks_no_more(portal: FakePortal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "POLL_SECONDS", 0.01)
    feed = Feed(httpx.Client(base_url=URL), 60.0)
    feed.start()
    eventually(lambda: portal.requests)
    feed.stop()
    asked = len(portal.requests)
    assert not feed._thread.is_alive()
    assert len(portal.requests) == asked
