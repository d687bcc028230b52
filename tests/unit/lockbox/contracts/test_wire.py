import json
from dataclasses import dataclass, field, make_dataclass
from datetime import datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, validate
from marshmallow_dataclass import class_schema
from tests.unit.builders import REQUEST_ID, asked, terms
from tests.unit.strategies import EVERY_CALL, EVERY_FACT, messages

from approval_service.domain.access import AccessRecord
from approval_service.domain.approval.approval import Approval
from approval_service.domain.policy.policy import Policy
from lockbox.contracts import wire
from lockbox.contracts.access import RecordAccess
from lockbox.contracts.approval.operations import Decide
from lockbox.contracts.events import Event
from lockbox.contracts.fields import Email
from lockbox.contracts.policy.document import PolicySettings
from lockbox.contracts.policy.operations import PutPolicy
from lockbox.contracts.policy.views import PolicyView
from lockbox.contracts.request.operations import CreateRequest, ListRequests
from lockbox.contracts.request.terms import AccessTerms
from lockbox.crypto.canonical import canonical
from lockbox.errors import Fault, Invalid
from lockbox.faults import Expected
from notify_service.domain.delivery import Delivery
from portal_service.domain.account import Account
from portal_service.domain.seed import Seed
from portal_service.domain.session import ApiToken, FailedAttempt, Session
from request_service.domain.request import AccessRequest

ANSWERS = {call.answer for call in EVERY_CALL}
STATES = (Approval, Policy, AccessRecord, Delivery, Account, Session, ApiToken, FailedAttempt, AccessRequest)
READ, CANONICAL = {*ANSWERS, *STATES}, {*EVERY_FACT, *STATES}
KINDS = sorted({*EVERY_CALL, *ANSWERS, *EVERY_FACT, *STATES, Event}, key=lambda kind: kind.__name__)

few = settings(max_examples=max(6, settings().max_examples // 5))
"""There are many kinds, and each is tried with some messages."""

TERMS: dict[str, Any] = wire.encode(terms())
SETTINGS = {
    "require_approval": True,
    "request_lifetime": "PT12H",
    "maximum_duration": "PT4H",
}


@dataclass(frozen=True)
class Credentials:
    email: Email
    password: str


@dataclass(frozen=True)
class SignedIn:
    credentials: Credentials
    token: str | None = None


@cache
def plain_schema(kind: type) -> Schema:
    """The schema of a message with marshmallow's own `dump`."""
    return class_schema(kind)()


def refusal(kind: type, data: object, *, tolerant: bool = False) -> Invalid:
    with pytest.raises(Invalid) as refused:
        wire.decode(kind, data, tolerant=tolerant)
    return refused.value


def faults(kind: type, data: object) -> list[Fault]:
    return list(refusal(kind, data).faults)


# --- there and back ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@few
@given(data=st.data())
def test_message_when_encoded_has_the_bytes_of_marshmallow_and_decodes_to_the_same(kind: type, data: Any) -> None:
    """Each message is drawn once for all that holds of it: to draw one takes longer than to check it."""
    message = data.draw(messages(kind))
    text = json.dumps(wire.encode(message))
    assert kind is Event or text == json.dumps(plain_schema(kind).dump(message))
    assert wire.decode(kind, json.loads(text)) == message
    assert wire.decode(kind, json.loads(text), tolerant=True) == message
    assert kind not in READ or wire.read(kind, json.loads(text)) == message
    assert kind not in CANONICAL or json.loads(canonical(wire.encode(message))) == json.loads(text)


@settings(max_examples=10)
@given(messages(PolicyView))
def test_encode_when_a_kind_is_named_shows_only_what_that_kind_has(policy: PolicyView) -> None:
    shown = wire.encode(policy, PolicySettings)
    assert set(shown) == set(PolicySettings.__dataclass_fields__) < set(PolicyView.__dataclass_fields__)
    assert wire.encode(wire.decode(PolicySettings, shown)) == shown


def test_encode_when_moments_and_durations_are_in_it_writes_them_as_text() -> None:
    assert TERMS["duration"] == "PT4H"
    assert TERMS["starts_at"] is None
    assert TERMS["reason_code"] == "CUSTOMER_INITIATED_SUPPORT"
    assert TERMS["resources"] == ["mailbox/alice"]


def test_schema_when_asked_for_again_is_not_made_again() -> None:
    assert wire.schema(AccessTerms) is wire.schema(AccessTerms)
    assert wire.schema(AccessTerms) is not wire.schema(AccessTerms, tolerant=True)


# --- faults --------------------------------------------------------------------------------------------------------


def test_decode_when_a_field_is_wrong_says_where_what_was_expected_and_what_came() -> None:
    error = refusal(AccessTerms, TERMS | {"duration": "4h"})
    assert error.code == "invalid_duration"
    assert error.message == "duration: expected an ISO 8601 duration such as PT4H, got '4h'"
    assert error.faults == (Expected("not_a_duration").fault("duration", "4h"),)


@dataclass(frozen=True)
class Numbers:
    """Fields of marshmallow's own kinds."""

    counts: dict[str, int]
    share: float = 0.0
    at: datetime | None = None


@pytest.mark.parametrize(
    ("data", "field", "code"),
    [
        ({"counts": []}, "counts", "not_an_object"),
        ({"counts": {"a": "many"}}, "counts.a.value", "not_a_whole_number"),
        ({"counts": {}, "share": "half"}, "share", "not_a_number"),
        ({"counts": {}, "at": "noon"}, "at", "not_a_timestamp"),
    ],
)
def test_decode_when_a_field_is_of_a_library_kind_gives_a_code(data: object, field: str, code: str) -> None:
    [fault] = faults(Numbers, data)
    assert (fault["field"], fault["code"]) == (field, code)


def test_schema_when_a_rule_is_in_english_is_refused() -> None:
    kind = make_dataclass("Wordy", [("text", str, field(metadata={"validate": validate.Length(max=3)}))])
    with pytest.raises(TypeError, match=r"expected a rule of lockbox\.contracts\.rules"):
        wire.schema(kind)


def test_decode_when_a_field_is_missing_says_so_without_what_came() -> None:
    without = {name: value for name, value in TERMS.items() if name != "tenant"}
    assert faults(AccessTerms, without) == [Expected("missing").fault("tenant")]
    assert refusal(AccessTerms, without).message == "tenant: expected a value"


def test_decode_when_a_field_is_null_says_so() -> None:
    assert faults(AccessTerms, TERMS | {"tenant": None}) == [Expected("null").fault("tenant", None)]


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"tenant": 7}, "tenant", "a string"),
        ({"tenant": "Contoso"}, "tenant", "1 to 63 lower-case letters, digits or inner hyphens"),
        ({"service_request": "359423"}, "service_request", "a service request such as SR-359423"),
        ({"service_request": "SR-359423\n"}, "service_request", "a service request such as SR-359423"),
        ({"justification": " "}, "justification", "text of 1 to 4000 characters"),
        ({"resources": "mailbox/alice"}, "resources", "a list"),
        ({"resources": []}, "resources", "1 to 100 resources"),
        ({"resources": ["a/b", "a/b"]}, "resources", "resources that are named once"),
        ({"resources": [f"a/{number}" for number in range(101)]}, "resources", "1 to 100 resources"),
        (
            {"resources": ["a/b", "../etc"]},
            "resources.1",
            "a resource such as mailbox/alice, or a pattern such as mailbox/* or files/**",
        ),
        ({"actions": ["read", 7]}, "actions.1", "a string"),
        ({"actions": []}, "actions", "1 to 20 actions"),
        ({"duration": "PT0S"}, "duration", "a duration longer than zero"),
        ({"duration": "-PT4H"}, "duration", "a duration longer than zero"),
        ({"duration": "P1M"}, "duration", "an ISO 8601 duration such as PT4H"),
        ({"starts_at": "2026-01-31T09:30:00"}, "starts_at", "an RFC 3339 timestamp such as 2026-01-31T09:30:00Z"),
    ],
)
def test_decode_when_terms_are_wrong_names_the_field(changes: dict[str, Any], field: str, expected: str) -> None:
    [fault] = faults(AccessTerms, TERMS | changes)
    assert (fault["field"], fault["expected"]) == (field, expected)
    assert refusal(AccessTerms, TERMS | changes).code == f"invalid_{field.split('.')[0]}"


def test_decode_when_a_choice_is_unknown_lists_the_choices() -> None:
    [fault] = faults(AccessTerms, TERMS | {"reason_code": "BOREDOM"})
    assert fault["expected"].startswith("one of CUSTOMER_INITIATED_SUPPORT, VENDOR_INITIATED_SERVICE, ")
    assert not fault["expected"].endswith(".")
    decision = {"request_id": REQUEST_ID, "request_digest": "d", "decision": "maybe", "idempotency_key": "k"}
    [fault] = faults(Decide, decision)
    assert fault["expected"] == "one of approve, deny"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"require_approval": "true"}, "true or false"),
        ({"require_approval": 1}, "true or false"),
        ({"service_request_pattern": "sr"}, "a pattern of service requests such as SR-###### or SR-*"),
        ({"stages": "none"}, "a list"),
        ({"rules": [{"name": "x", "then": "auto_deny"}] * 201}, "at most 200 rules"),
        ({"request_lifetime": "PT0S"}, "a duration from PT1S to P7D"),
        ({"request_lifetime": "P7DT1S"}, "a duration from PT1S to P7D"),
        ({"maximum_duration": "PT24H1S"}, "a duration from PT1S to P1D"),
        ({"maximum_duration": "-PT1H"}, "a duration from PT1S to P1D"),
    ],
)
def test_decode_when_settings_are_wrong_names_the_path(changes: dict[str, Any], expected: str) -> None:
    body = {"tenant": "contoso", "settings": SETTINGS | changes, "idempotency_key": "k"}
    [fault] = faults(PutPolicy, body)
    [name] = changes
    assert (fault["field"], fault["expected"]) == (f"settings.{name}", expected)
    assert refusal(PutPolicy, body).code == "invalid_settings"


@pytest.mark.parametrize("limit", [0, 201, -1])
def test_decode_when_a_page_is_of_no_good_size_names_the_bounds(limit: int) -> None:
    [fault] = faults(ListRequests, {"limit": limit})
    assert (fault["field"], fault["expected"]) == ("limit", "a whole number from 1 to 200")


def test_decode_when_many_fields_are_wrong_has_a_fault_for_each() -> None:
    wrong = {"tenant": "A", "resources": ["x", "a/b", "y"], "duration": "4h", "colour": "red"}
    named = {fault["field"] for fault in faults(AccessTerms, TERMS | wrong)}
    assert named == {"tenant", "resources.0", "resources.2", "duration", "colour"}


def test_decode_when_nested_names_the_whole_path() -> None:
    wrong = {"terms": TERMS | {"resources": ["a/b", ".."]}, "idempotency_key": "k"}
    assert [fault["field"] for fault in faults(CreateRequest, wrong)] == ["terms.resources.1"]
    assert faults(CreateRequest, {"terms": "all", "idempotency_key": "k"}) == [
        Expected("not_an_object").fault("terms", "all")
    ]


def test_decode_when_a_field_is_unknown_says_so() -> None:
    error = refusal(AccessTerms, TERMS | {"colour": "red"})
    assert error.code == "unknown_field"
    assert [(fault["field"], fault["expected"]) for fault in error.faults] == [("colour", "no field of this name")]


def test_decode_when_a_nested_field_is_unknown_says_so() -> None:
    error = refusal(CreateRequest, {"terms": TERMS | {"__class__": "x"}, "idempotency_key": "k"})
    assert error.code == "unknown_field"
    assert [fault["field"] for fault in error.faults] == ["terms.__class__"]


@pytest.mark.parametrize("data", [None, [], ["tenant"], "tenant", "", 7, True, 1.5])
@pytest.mark.parametrize("tolerant", [False, True])
def test_decode_when_not_an_object_says_so(data: object, tolerant: bool) -> None:
    error = refusal(AccessTerms, data, tolerant=tolerant)
    assert error.code == "invalid_body"
    assert [(fault["field"], fault["expected"]) for fault in error.faults] == [("body", "an object")]


def test_decode_when_what_came_is_long_shows_its_beginning() -> None:
    [fault] = faults(AccessTerms, TERMS | {"tenant": "x" * 100_000})
    assert fault["received"] == "x" * 120


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.sampled_from([*TERMS]) | st.text(), x),
    )
)
def test_decode_when_given_any_json_value_reads_it_or_says_what_is_wrong(data: object) -> None:
    error = refusal(AccessTerms, data)
    assert error.faults
    assert error.code.startswith(("invalid_", "unknown_field"))


@pytest.mark.parametrize("resource", ["a\ud800b", "\udfff"])
def test_decode_when_an_attempt_could_not_be_published_refuses_it(resource: str) -> None:
    attempt = {
        "access_id": REQUEST_ID,
        "allowed": False,
        "tenant": "contoso",
        "resource": resource,
        "action": "read",
        "reason": "other_resource",
        "at": "2026-01-31T09:30:00Z",
    }
    assert refusal(RecordAccess, attempt).code == "invalid_resource"
    assert wire.decode(RecordAccess, attempt | {"resource": "../*?\x1b[0m"}).resource == "../*?\x1b[0m"


# --- tolerant reading ----------------------------------------------------------------------------------------------


def test_decode_when_tolerant_leaves_out_what_it_does_not_know_at_any_depth() -> None:
    document = {"terms": TERMS | {"colour": "red"}, "idempotency_key": "k", "later": {"a": [1]}}
    assert wire.decode(CreateRequest, document, tolerant=True) == CreateRequest(terms=asked(), idempotency_key="k")


def test_decode_when_tolerant_still_refuses_what_is_wrong_or_missing() -> None:
    error = refusal(AccessTerms, {"duration": "4h", "colour": "red"}, tolerant=True)
    assert "duration" in {fault["field"] for fault in error.faults}
    assert "tenant" in {fault["field"] for fault in error.faults}
    assert "colour" not in {fault["field"] for fault in error.faults}


def test_decode_when_it_was_tolerant_before_is_strict_again() -> None:
    extra = TERMS | {"colour": "red"}
    assert wire.decode(AccessTerms, extra, tolerant=True) == terms()
    assert refusal(AccessTerms, extra).code == "unknown_field"


# --- secrets -------------------------------------------------------------------------------------------------------


def mentions(error: Invalid, secret: str) -> bool:
    return secret in json.dumps([error.code, error.message, list(error.faults)])


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Credentials, {"email": "a@b.example", "password": ["hunter2"]}),
        (Credentials, {"email": "a@b.example", "password": {"is": "hunter2"}}),
        (SignedIn, {"credentials": {"email": "a@b.example", "password": ["hunter2"]}}),
        (SignedIn, {"credentials": {"email": "a@b.example", "password": "x"}, "token": ["hunter2"]}),
    ],
)
def test_decode_when_a_secret_is_wrong_does_not_repeat_it(kind: type, data: object) -> None:
    error = refusal(kind, data)
    assert not mentions(error, "hunter2")
    assert all("received" not in fault for fault in error.faults)


def test_decode_when_something_beside_a_secret_is_wrong_does_not_repeat_the_secret() -> None:
    error = refusal(Credentials, {"email": "nobody", "password": "hunter2"})
    assert not mentions(error, "hunter2")
    assert mentions(error, "nobody")


def test_decode_when_an_api_token_is_wrong_does_not_repeat_it() -> None:
    member = {"email": "m@vendor.example", "organisation": "vendor", "roles": ["operator"], "api_token": ["hunter2"]}
    assert not mentions(refusal(Seed, {"members": [member]}), "hunter2")


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Credentials, [{"email": "a@b.example", "password": "hunter2"}]),
        (SignedIn, {"credentials": [{"email": "a@b.example", "password": "hunter2"}]}),
        (Seed, {"members": {"email": "a@b.example", "password": "hunter2"}}),
        (Credentials, {"email": {"email": "a@b.example", "password": "hunter2"}, "password": "x"}),
    ],
)
def test_decode_when_a_secret_is_somewhere_inside_what_is_wrong_does_not_repeat_it(kind: type, data: object) -> None:
    assert not mentions(refusal(kind, data), "hunter2")


@pytest.mark.parametrize("name", ["Password", "passwd", "new_password", "secret"])
def test_decode_when_a_secret_has_a_misspelt_name_does_not_repeat_it(name: str) -> None:
    error = refusal(Credentials, {"email": "a@b.example", "password": "x", name: "hunter2"})
    assert mentions(error, name)
    assert not mentions(error, "hunter2")
