"""Messages that are held: which errors hold one, and a line at the begin and at the end."""

import pytest
import structlog
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConfigurationError,
    InvalidOperation,
    OperationFailure,
    ServerSelectionTimeoutError,
    WTimeoutError,
)

from lockbox.errors import Conflict, Invalid, NotFound, Unavailable
from lockbox.runtime.events.holding import Holding, is_absent


def bulk(*codes: int, concern: bool = False) -> BulkWriteError:
    concerns = [{"code": 64}] if concern else []
    return BulkWriteError({"writeErrors": [{"code": code} for code in codes], "writeConcernErrors": concerns})


@pytest.mark.parametrize(
    "error",
    [
        AutoReconnect("gone"),
        ServerSelectionTimeoutError("gone"),
        WTimeoutError("not yet", 64),
        ConfigurationError("no such name"),
        OperationFailure("not authorized", 13),
        OperationFailure("without a code"),
        OperationFailure("no space", 14_031),
        bulk(14_031),
        bulk(11_000, 14_031),
        bulk(11_000, concern=True),
        bulk(concern=True),
        Unavailable("service_timeout", "no answer"),
    ],
)
def test_error_when_a_part_is_away_holds_the_message(error: Exception) -> None:
    assert is_absent(error)


@pytest.mark.parametrize(
    "error",
    [
        None,
        RuntimeError("a bug"),
        InvalidOperation("an empty bulk"),
        OperationFailure("duplicate", 11_000),
        OperationFailure("wrong type", 14),
        OperationFailure("the argument of $size is no array", 17_124),
        bulk(11_000, 121),
        Invalid("a", "b"),
        NotFound("a", "b"),
        Conflict("a", "b"),
    ],
)
def test_error_when_it_is_of_the_message_does_not_hold_it(error: Exception | None) -> None:
    assert not is_absent(error)


def test_holding_when_messages_come_and_go_logs_the_begin_and_the_end() -> None:
    holding = Holding("a.on_b.v1")
    with structlog.testing.capture_logs() as lines:
        holding.end([1])
        holding.begin([1], AutoReconnect("gone"))
        holding.begin([1, 2], AutoReconnect("gone"))
        assert holding
        holding.end([1])
        assert holding
        holding.end([2])
        holding.end([2])
    assert not holding
    assert [line["event"] for line in lines] == ["handler_holds", "handler_goes_on"]
    assert lines[0]["error"] == "AutoReconnect: gone"
