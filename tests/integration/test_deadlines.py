"""A call ends, one way or the other, before its deadline."""

import pytest
from tests.people import TERMS, People, new_key
from tests.programs import running

from lockbox.embedded.stack import Stack

pytestmark = pytest.mark.timeout(120)


def test_call_when_the_service_does_not_answer_ends_in_time_and_has_one_effect_after_all(
    stack: Stack, people: People
) -> None:
    service = running(stack.home)["request_service"]
    key = new_key()
    service.suspend()
    try:
        refused = people.engineer.post("/requests", TERMS, key)
    finally:
        service.resume()
    assert (refused.status_code, refused.json()["code"]) == (503, "service_timeout")
    assert "Retry-After" in refused.headers
    answered = people.engineer.post("/requests", TERMS, key)
    assert answered.status_code == 201
    assert people.engineer.post("/requests", TERMS, key).json() == answered.json()
