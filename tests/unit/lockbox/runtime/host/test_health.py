from lockbox.runtime.host.health import HealthServer, Pulse


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def pulse() -> tuple[Pulse, Clock]:
    clock = Clock()
    made = Pulse(clock)
    made.beat()
    return made, clock


def beat(pulse: Pulse, clock: Clock, after: float) -> None:
    clock.now += after
    pulse.beat()


def test_lag_when_each_tick_is_in_time_is_none() -> None:
    beating, clock = pulse()
    for _ in range(5):
        beat(beating, clock, 0.5)
        assert beating.lag == 0


def test_lag_when_a_tick_is_late_grows_until_it_comes_and_is_remembered_for_a_while() -> None:
    beating, clock = pulse()
    clock.now += 6.5
    assert beating.lag == 6
    beating.beat()
    for _ in range(19):
        beat(beating, clock, 0.5)
        assert beating.lag == 6
    beat(beating, clock, 0.5)
    assert beating.lag == 0


def test_lag_when_a_worse_one_comes_is_the_worse() -> None:
    beating, clock = pulse()
    beat(beating, clock, 2.5)
    beat(beating, clock, 7.5)
    assert beating.lag == 7


def test_service_when_its_event_loop_is_late_by_five_seconds_is_not_alive() -> None:
    health = HealthServer()
    health.pulse, clock = pulse()
    clock.now += 5.4
    assert health.alive()
    clock.now += 0.1
    assert not health.alive()
