from typing import Any

import eventlet

from lockbox.runtime.broker.publisher import ConfirmedPublisher


class Idle:
    """A connection on which nothing arrives: whoever reads from it waits a moment."""

    def __init__(self) -> None:
        self.connection: Any = self
        self.uses: list[str] = []

    def drain_events(self, timeout: float) -> None:
        self.uses.append("reads")
        eventlet.sleep(timeout)
        self.uses.append("has read")
        raise TimeoutError

    def heartbeat_check(self) -> None:
        self.uses.append("heartbeat")

    def release(self) -> None:
        self.uses.append("released")


def test_close_when_the_connection_is_read_from_waits_for_the_end_of_that() -> None:
    publisher, connection = ConfirmedPublisher("amqp://nowhere"), Idle()
    publisher._connection = connection  # type: ignore[assignment]
    tending = eventlet.spawn(publisher.tend)
    eventlet.sleep(0)
    assert connection.uses == ["reads"]
    publisher.close()
    tending.wait()
    assert connection.uses == ["reads", "has read", "heartbeat", "released"]
