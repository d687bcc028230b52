from contextlib import ExitStack

import pytest

from lockbox.runtime.web.lanes import BOUND_SECONDS, Lane, LaneFull, Lanes

REVOKE, PAGES, GUARDS = Lane("revoke", 2), Lane("pages", 4), Lane("guards", 4, whole=True)


@pytest.fixture
def lanes() -> Lanes:
    return Lanes((REVOKE, PAGES, GUARDS))


def fill(lanes: Lanes, stack: ExitStack, *addresses: str | None, lane: str = "pages") -> None:
    for address in addresses:
        stack.enter_context(lanes.turn(lane, address))


def test_lane_when_another_is_full_has_its_workers(lanes: Lanes) -> None:
    with ExitStack() as stack:
        fill(lanes, stack, "a", "a", "b", "b")
        fill(lanes, stack, "a", "b", lane="revoke")


def test_lane_when_full_refuses_at_once_until_one_ends(lanes: Lanes) -> None:
    with ExitStack() as stack:
        fill(lanes, stack, "a", "a", "b", "b")
        with pytest.raises(LaneFull):
            fill(lanes, stack, "c")
    with ExitStack() as stack:
        fill(lanes, stack, "a", "a", "b", "b")


def test_lane_when_one_address_has_half_of_it_is_open_for_others(lanes: Lanes) -> None:
    with ExitStack() as stack:
        fill(lanes, stack, "a", "a")
        with pytest.raises(LaneFull):
            fill(lanes, stack, "a")
        fill(lanes, stack, "b", "b")


@pytest.mark.parametrize(("lane", "address"), [("guards", "a"), ("pages", None)])
def test_lane_when_shares_do_not_count_is_open_to_its_end(lanes: Lanes, lane: str, address: str | None) -> None:
    with ExitStack() as stack:
        fill(lanes, stack, *[address] * 4, lane=lane)
        with pytest.raises(LaneFull):
            fill(lanes, stack, address, lane=lane)


def test_lanes_when_counted_have_the_workers_of_all(lanes: Lanes) -> None:
    assert lanes.workers == 10


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_lane_when_a_request_waits_too_long_is_blocked_until_it_ends(clock: Clock) -> None:
    lanes = Lanes((REVOKE, PAGES), clock)
    with lanes.turn("revoke", "a") as turn:
        clock.now += BOUND_SECONDS + 1
        assert lanes.blocked("revoke")
        assert not lanes.blocked("pages")
        turn.failed = False
    assert not lanes.blocked("revoke")


def test_lane_when_requests_fail_is_blocked_until_one_works(clock: Clock) -> None:
    lanes = Lanes((REVOKE,), clock)
    with lanes.turn("revoke", "a"):
        clock.now += BOUND_SECONDS + 1
    assert lanes.blocked("revoke")
    lanes.worked("revoke")
    assert not lanes.blocked("revoke")


@pytest.mark.parametrize(("addresses", "blocked"), [(("a", "b"), True), (("a",), False)])
def test_lane_when_it_refuses_is_blocked_if_it_is_full_and_not_if_one_address_has_its_share(
    clock: Clock, addresses: tuple[str, ...], blocked: bool
) -> None:
    lanes = Lanes((REVOKE,), clock)
    for _ in range(2):
        with ExitStack() as stack:
            for turn in [stack.enter_context(lanes.turn("revoke", address)) for address in addresses]:
                turn.failed = False
            with pytest.raises(LaneFull):
                fill(lanes, stack, "a", lane="revoke")
        clock.now += BOUND_SECONDS + 1
    assert lanes.blocked("revoke") is blocked
