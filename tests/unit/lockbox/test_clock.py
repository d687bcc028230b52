from datetime import UTC, timedelta

from lockbox.clock import now


def test_now_when_read_is_in_utc_and_goes_forward() -> None:
    first, second = now(), now()
    assert first.tzinfo is UTC
    assert timedelta(0) <= second - first < timedelta(minutes=1)
