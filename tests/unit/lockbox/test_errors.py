import json
import pickle

import pytest
from nameko.exceptions import RemoteError, deserialize, serialize

import lockbox.runtime.rpc.server  # noqa: F401 - makes the error kinds known to Nameko
from lockbox.errors import KINDS, Fault, Invalid, LockboxError, NotFound, invalid
from portal_service.domain.session import Unauthenticated

FAULTS = (
    Fault(field="duration", expected="an ISO 8601 duration such as PT4H", received="4h"),
    Fault(field="resources.0", expected="a resource such as mailbox/alice"),
)


def sent(error: Exception) -> Exception:
    return deserialize(json.loads(json.dumps(serialize(error))))  # type: ignore[no-any-return]


def same(one: LockboxError, other: object) -> bool:
    return type(one) is type(other) and vars(one) == vars(other) and one.args == other.args  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", KINDS)
def test_error_when_raised_in_another_service_is_the_same_at_the_caller(kind: type[LockboxError]) -> None:
    error = kind("some_code", "What is wrong, for a person.")
    assert same(error, sent(error))


@pytest.mark.parametrize("kind", KINDS)
def test_error_when_it_has_faults_brings_them_along(kind: type[LockboxError]) -> None:
    error = kind("invalid_duration", "duration: wrong", FAULTS)
    back = sent(error)
    assert same(error, back)
    assert isinstance(back, LockboxError)
    assert back.faults == FAULTS


def test_error_when_not_of_the_kinds_arrives_as_a_remote_error() -> None:
    assert isinstance(sent(Unauthenticated("token_unknown", "who?")), RemoteError)
    assert isinstance(sent(ValueError("bug")), RemoteError)


@pytest.mark.parametrize("kind", KINDS)
def test_error_when_copied_stays_what_it_is(kind: type[LockboxError]) -> None:
    error = kind("some_code", "message", FAULTS)
    assert same(error, pickle.loads(pickle.dumps(error)))  # noqa: S301 - our own bytes


def test_error_when_shown_starts_with_its_code() -> None:
    assert (
        str(NotFound("request_not_found", "there is no such request")) == "request_not_found: there is no such request"
    )


def test_error_when_its_faults_come_as_a_generator_keeps_them() -> None:
    assert Invalid("code", "message", (fault for fault in FAULTS)).faults == FAULTS


def test_invalid_when_about_one_field_says_what_was_expected_and_what_came() -> None:
    error = invalid("tenant_unknown", "tenant", "the name of a tenant", "nowhere")
    assert (error.code, error.message) == ("tenant_unknown", "tenant: expected the name of a tenant, got 'nowhere'")
    assert error.faults == (Fault(field="tenant", expected="the name of a tenant", received="nowhere"),)


def test_invalid_when_what_came_is_long_shows_its_beginning() -> None:
    error = invalid("code", "field", "something short", "x" * 10_000)
    assert error.faults[0]["received"] == "x" * 120
    assert len(error.message) < 200
