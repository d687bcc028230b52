import json
import pickle

import pytest

from lockbox.errors import KINDS, Fault, Invalid, LockboxError, NotFound, invalid
from lockbox.faults import Expected
from lockbox.runtime.rpc.errors import RemoteError, deserialize, serialize
from portal_service.domain.session import Unauthenticated

FAULTS = (
    Expected("longer_than_asked", most="PT4H").fault("duration", "PT5H"),
    Expected("not_one_of", choices=["read", "list"]).fault("actions.0"),
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


@pytest.mark.parametrize("kind", KINDS)
def test_error_when_it_has_parameters_brings_them_along(kind: type[LockboxError]) -> None:
    error = kind("access_frozen", "no access in the freeze", params={"freeze": "Year's end", "most": 3})
    back = sent(error)
    assert same(error, back)
    assert isinstance(back, LockboxError)
    assert back.params == {"freeze": "Year's end", "most": 3}


@pytest.mark.parametrize("args", [("code", "message"), ("code", "message", [])])
def test_error_when_sent_by_an_earlier_version_reads_without_parameters(args: tuple[object, ...]) -> None:
    back = deserialize({"exc_type": "Conflict", "exc_path": "lockbox.errors.Conflict", "exc_args": args, "value": ""})
    assert isinstance(back, LockboxError)
    assert (back.code, back.message, back.faults, back.params) == ("code", "message", (), {})


def test_error_when_it_has_no_parameters_is_sent_as_earlier_versions_read_it() -> None:
    assert serialize(NotFound("code", "message"))["exc_args"] == ["code", "message", []]


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
    error = invalid("tenant", Expected("tenant_unknown"), "nowhere")
    assert (error.code, error.message) == ("tenant_unknown", "tenant: expected the name of a tenant, got 'nowhere'")
    [fault] = error.faults
    assert fault == Fault(
        field="tenant", code="tenant_unknown", expected="the name of a tenant", params={}, received="nowhere"
    )


def test_invalid_when_the_error_has_a_code_of_its_own_keeps_that_of_the_fault() -> None:
    error = invalid("starts_at", Expected("start_not_soon", days=30), "2001", "invalid_starts_at")
    assert (error.code, error.faults[0]["code"]) == ("invalid_starts_at", "start_not_soon")


def test_invalid_when_what_came_is_long_shows_its_beginning() -> None:
    error = invalid("field", Expected("too_long", most=7), "x" * 10_000)
    assert error.faults[0]["received"] == "x" * 120
    assert len(error.message) < 200
