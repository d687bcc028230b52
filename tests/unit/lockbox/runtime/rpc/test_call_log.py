import time

import pytest
from structlog.testing import capture_logs
from tests.unit.builders import ENGINEER

from lockbox.errors import Forbidden
from lockbox.runtime.rpc.call_log import CallNote


@pytest.mark.parametrize(
    ("error", "code"),
    [(None, "ok"), (Forbidden("own_request", "no"), "own_request"), (ValueError("secret"), "ValueError")],
)
def test_call_when_it_ends_is_a_line_with_the_id_of_its_web_request(error: Exception | None, code: str) -> None:
    note = CallNote("decide", ENGINEER, time.monotonic())
    with capture_logs() as lines:
        note.log(error and (type(error), error, None))
    [line] = lines
    assert line.pop("milliseconds") >= 0
    assert line == {
        "event": "call",
        "log_level": "info",
        "correlation_id": ENGINEER.correlation_id,
        "method": "decide",
        "person": ENGINEER.email,
        "code": code,
    }
