import pytest

from lockbox.runtime.web.connections import SLOW_SECONDS, Connection, Connections, NoRoom, Phase


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


class Ground:
    """Connections, and the ones that had to make room, in their order."""

    def __init__(self, most: int = 4, most_body_bytes: int = 1_000) -> None:
        self.most = most
        self.clock = Clock()
        self.closed: list[Connection] = []
        self.all = Connections(lambda: self.most, self.closed.append, self.clock, most_body_bytes)

    def add(self, address: str | None = None, phase: Phase | None = None) -> Connection:
        connection = Connection(None, address)
        self.all.add(connection)
        if phase is not None:
            self.all.enter(connection, phase)
        return connection


@pytest.fixture
def ground() -> Ground:
    return Ground()


def test_connections_when_there_is_room_stay_open(ground: Ground) -> None:
    for _ in range(4):
        ground.add()
    assert (len(ground.all), ground.closed) == (4, [])


def test_connection_when_there_is_no_room_takes_the_place_of_the_longest_silent(ground: Ground) -> None:
    ground.add(phase=Phase.WAITING)
    first, _, _ = ground.add(), ground.add(), ground.add()
    ground.add()
    assert ground.closed == [first]
    assert (first.closed_for, len(ground.all)) == ("room", 4)


def test_connection_when_no_other_is_silent_takes_the_place_of_a_slow_request_then_of_a_waiting_one(
    ground: Ground,
) -> None:
    waiting, slow = ground.add(phase=Phase.WAITING), ground.add(phase=Phase.READING)
    ground.clock.now += SLOW_SECONDS
    quick = ground.add(phase=Phase.READING)
    ground.add(phase=Phase.WORKING)
    for _ in range(3):
        ground.add(phase=Phase.WORKING)
    assert ground.closed == [slow, waiting, quick]


def test_connection_when_all_are_at_work_is_refused(ground: Ground) -> None:
    for _ in range(4):
        ground.add(phase=Phase.WORKING)
    with pytest.raises(NoRoom):
        ground.add()
    assert ground.closed == []


def test_connections_of_one_address_when_they_are_many_make_room_for_one_another(ground: Ground) -> None:
    other = ground.add("b")
    first, _, _ = ground.add("a"), ground.add("a"), ground.add("a")
    assert ground.closed == [first]
    assert other.closed_for is None


def test_connections_of_one_address_when_at_work_leave_half_to_others(ground: Ground) -> None:
    for _ in range(2):
        ground.add("a", Phase.WORKING)
    with pytest.raises(NoRoom):
        ground.add("a")
    ground.add("b")
    ground.add(None)


def test_connection_when_it_has_ended_leaves_its_place(ground: Ground) -> None:
    ended = [ground.add("a", Phase.WORKING) for _ in range(2)]
    for connection in ended:
        ground.all.remove(connection)
    ground.add("a")
    assert (len(ground.all), ground.closed) == (1, [])


def test_connection_of_a_proxy_when_a_request_comes_counts_for_its_client(ground: Ground) -> None:
    for _ in range(2):
        ground.all.assign(ground.add(None, Phase.WORKING), "a")
    third = ground.add(None, Phase.READING)
    with pytest.raises(NoRoom):
        ground.all.assign(third, "a")
    ground.all.assign(third, "b")
    ground.all.assign(third, None)
    assert ground.closed == []


def test_connection_when_closed_to_make_room_takes_no_part_any_more(ground: Ground) -> None:
    first = ground.add()
    for _ in range(4):
        ground.add()
    ground.all.enter(first, Phase.WORKING)
    ground.all.hold(first, 10_000)
    ground.all.assign(first, "a")
    ground.all.remove(first)
    assert len(ground.all) == 4
    assert ground.closed == [first]


def test_bodies_when_they_take_too_much_memory_end_the_slowest_request() -> None:
    ground = Ground(most_body_bytes=100)
    slow, quick = ground.add(phase=Phase.READING), ground.add(phase=Phase.READING)
    ground.all.hold(slow, 90)
    ground.all.hold(quick, 10)
    assert ground.closed == []
    ground.all.hold(quick, 1)
    assert (ground.closed, slow.closed_for) == ([slow], "body_memory")
    ground.all.hold(quick, 80)
    assert ground.closed == [slow]


def test_body_when_its_request_is_answered_is_no_longer_counted() -> None:
    ground = Ground(most_body_bytes=100)
    answered, next_one = ground.add(phase=Phase.READING), ground.add(phase=Phase.READING)
    ground.all.hold(answered, 90)
    ground.all.enter(answered, Phase.WORKING)
    ground.all.enter(answered, Phase.WAITING)
    ground.all.hold(next_one, 90)
    assert ground.closed == []


def test_connections_when_files_are_short_end_as_far_as_they_do_not_work(ground: Ground) -> None:
    working, silent = ground.add(phase=Phase.WORKING), ground.add()
    ground.all.shed(5)
    assert (ground.closed, silent.closed_for, working.closed_for) == ([silent], "open_files", None)


def test_ceiling_when_it_falls_closes_as_many_as_are_too_many(ground: Ground) -> None:
    added = [ground.add() for _ in range(4)]
    ground.most = 2
    ground.add()
    assert ground.closed == added[:3]
