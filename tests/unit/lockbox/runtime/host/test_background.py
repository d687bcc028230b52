"""Work beside the entrypoints: Nameko's own life cycle goes on, a failure is logged, and the end waits for the work."""

import eventlet
import structlog

from lockbox.runtime.host.background import Background


def test_background_when_stopped_waits_for_the_work() -> None:
    done: list[str] = []
    background = Background()
    background.setup()
    background.start()
    background.run(lambda: eventlet.sleep(0.01) or done.append("slow"))
    background.stop()
    assert done == ["slow"]


def test_background_when_work_fails_logs_it_and_goes_on() -> None:
    done: list[str] = []
    background = Background()
    background.setup()
    with structlog.testing.capture_logs() as lines:
        background.run(lambda: 1 / 0)
        background.run(lambda: done.append("more"))
        background.stop()
    assert [line["event"] for line in lines] == ["background_work_failed"]
    assert done == ["more"]
