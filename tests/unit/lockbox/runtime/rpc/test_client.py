import pytest

from lockbox.errors import Conflict, Forbidden, LockboxError, Unavailable
from lockbox.runtime.rpc.client import _result
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
