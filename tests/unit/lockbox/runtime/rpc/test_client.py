from pathlib import Path
from typing import Any

import pytest
from nameko.exceptions import ConfigurationError
from tests.unit.builders import REQUEST_ID

import portal_service
from lockbox.contracts.request.operations import GetRequest
from lockbox.errors import Conflict, Forbidden, LockboxError, Unavailable
from lockbox.runtime.rpc.client import _answer, _result, read_deadline
from lockbox.runtime.rpc.errors import serialize


def answer(error: LockboxError) -> dict[str, object]:
    return {"result": None, "error": serialize(error)}


@pytest.mark.parametrize("code", ["token_expired", "token_not_yet_valid"])
def test_result_when_the_callees_clock_says_another_time_can_be_tried_again(code: str) -> None:
    with pytest.raises(Unavailable) as raised:
        _result("approval_service", "decide", answer(Forbidden(code, "another time")))
    assert raised.value.code == "clocks_apart"


@pytest.mark.parametrize("error", [Forbidden("role_required", "no"), Conflict("token_expired", "of something else")])
def test_result_when_refused_for_another_reason_raises_what_the_service_raised(error: LockboxError) -> None:
    with pytest.raises(type(error)) as raised:
        _result("approval_service", "decide", answer(error))
    assert raised.value.code == error.code


def test_answer_when_it_is_of_another_shape_is_a_failure_of_the_service() -> None:
    with pytest.raises(Unavailable) as raised:
        _answer(GetRequest(request_id=REQUEST_ID), "request_service", {"id": 1})
    assert raised.value.code == "service_failed"


@pytest.mark.parametrize("given", [1, 2.5, 10, 20])
def test_deadline_is_read_in_seconds(given: float) -> None:
    assert read_deadline({"CALL_DEADLINE_SECONDS": given}) == given


@pytest.mark.parametrize("given", [0, 0.5, -1, 21, "soon", "", None, float("nan"), float("inf")])
def test_deadline_out_of_bounds_stops_the_start_and_is_named(given: Any) -> None:
    with pytest.raises(ConfigurationError) as raised:
        read_deadline({"CALL_DEADLINE_SECONDS": given})
    assert str(raised.value) == f"config.yml: CALL_DEADLINE_SECONDS: expected seconds from 1 to 20, not {given!r}"


def test_deadline_is_ten_seconds_unless_the_environment_says_otherwise() -> None:
    config = Path(portal_service.__file__).with_name("config.yml").read_text()
    assert "\nCALL_DEADLINE_SECONDS: ${LOCKBOX_CALL_DEADLINE_SECONDS:10}\n" in config
