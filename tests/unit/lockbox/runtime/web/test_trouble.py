import pytest

from lockbox.runtime.web.trouble import FORGOTTEN_AFTER_SECONDS, Trouble


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def trouble(clock: Clock) -> Trouble:
    return Trouble(3.0, clock)


def test_trouble_when_nothing_happened_does_not_last(trouble: Trouble) -> None:
    assert not trouble.lasts


def test_trouble_when_one_thing_failed_does_not_last(trouble: Trouble, clock: Clock) -> None:
    trouble.failed()
    clock.now += 5
    assert not trouble.lasts


def test_trouble_when_failures_go_on_lasts_until_one_works(trouble: Trouble, clock: Clock) -> None:
    for _ in range(5):
        trouble.failed()
        clock.now += 1
    assert trouble.lasts
    trouble.worked()
    assert not trouble.lasts


def test_trouble_when_nothing_is_tried_any_more_is_forgotten(trouble: Trouble, clock: Clock) -> None:
    for _ in range(5):
        trouble.failed()
        clock.now += 1
    clock.now += FORGOTTEN_AFTER_SECONDS
    assert not trouble.lasts
    trouble.failed()
    assert not trouble.lasts


def test_trouble_when_work_waits_lasts_until_it_ends(trouble: Trouble, clock: Clock) -> None:
    number = trouble.began()
    clock.now += 3
    assert not trouble.lasts
    clock.now += 0.1
    assert trouble.lasts
    trouble.ended(number, failed=False)
    assert not trouble.lasts


def test_trouble_when_work_failed_after_a_long_wait_lasts(trouble: Trouble, clock: Clock) -> None:
    number = trouble.began()
    clock.now += 4
    trouble.ended(number, failed=True)
    assert trouble.lasts


def test_trouble_when_work_ended_without_a_success_goes_on(trouble: Trouble, clock: Clock) -> None:
    for _ in range(5):
        trouble.failed()
        clock.now += 1
        trouble.ended(trouble.began(), failed=False)
    assert trouble.lasts
