"""What counts as growth."""

import pytest
from tests.soak.trend import Sample, Trend

FLAT = [(float(second), 10.0) for second in range(30)]


def rising(by: float) -> list[Sample]:
    return [(float(second), 100 + by * second / 29) for second in range(30)]


@pytest.mark.parametrize(("by", "grows"), [(0.0, False), (1.9, False), (2.1, True), (-5.0, False)])
def test_memory_when_it_rises_grows_beyond_two_percent(by: float, grows: bool) -> None:
    trend = Trend("service", "memory (USS, MB)", rising(by))
    assert trend.grows is grows
    assert trend.growth == pytest.approx(by / 100)
    assert trend.slope_per_hour == pytest.approx(by / 29 * 3600)


def test_descriptors_when_there_is_a_peak_do_not_grow() -> None:
    assert not Trend("service", "descriptors", [*FLAT[:25], (25.0, 40.0), *FLAT[26:]]).grows


def test_descriptors_when_one_is_never_given_back_grow() -> None:
    assert Trend("service", "descriptors", [*FLAT[:20], *((second, 11.0) for second, _ in FLAT[20:])]).grows
