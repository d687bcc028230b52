from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.builders import CORRELATION_ID, NOW, REQUEST_ID, terms
from tests.unit.strategies import messages

from lockbox.contracts import wire
from lockbox.contracts.acts import Act
from lockbox.contracts.approval.operations import CancelRequest, Decide
from lockbox.contracts.events import Cause
from lockbox.contracts.grant.operations import RevokeGrant
from lockbox.contracts.policy.operations import PutPolicy
from lockbox.contracts.request.operations import CreateRequest
from lockbox.crypto.canonical import canonical, digest

CAUSE = Cause("alice@contoso.example", CORRELATION_ID)
DECIDE = Decide(request_id=REQUEST_ID, request_digest="d", decision="approve", comment="fine", idempotency_key="k-1")
CANCEL = CancelRequest(request_id=REQUEST_ID, comment="fine", idempotency_key="k-1")


def act(command: Any, cause: Cause = CAUSE) -> Act:
    return Act.of(cause, command, NOW)


def test_act_when_of_a_command_carries_cause_and_time() -> None:
    made = act(DECIDE)
    assert (made.cause, made.now) == (CAUSE, NOW)
    assert made.key == "alice@contoso.example decide k-1"


def test_act_when_the_command_comes_again_is_known_again() -> None:
    later = Act.of(replace(CAUSE, correlation_id=REQUEST_ID), DECIDE, NOW + timedelta(hours=1))
    assert (later.key, later.digest) == (act(DECIDE).key, act(DECIDE).digest)


def test_act_key_when_the_caller_differs_is_another() -> None:
    assert act(DECIDE, replace(CAUSE, actor="ann@contoso.example")).key != act(DECIDE).key


def test_act_key_when_the_kind_of_command_differs_is_another() -> None:
    assert act(CANCEL).key != act(DECIDE).key


def test_act_key_when_the_idempotency_key_differs_is_another() -> None:
    assert act(replace(DECIDE, idempotency_key="k-2")).key != act(DECIDE).key


@given(st.lists(messages(Decide) | messages(CancelRequest) | messages(RevokeGrant), max_size=5))
def test_act_key_when_anything_that_it_is_made_of_differs_is_another(commands: list[Any]) -> None:
    parts = {(actor, command.method, command.idempotency_key) for command in commands for actor in ("a@b", "a@b.c")}
    keys = {act(command, Cause(actor, CORRELATION_ID)).key for command in commands for actor in ("a@b", "a@b.c")}
    assert len(keys) == len(parts)


def test_act_digest_when_only_the_idempotency_key_differs_is_the_same() -> None:
    assert act(replace(DECIDE, idempotency_key="k-2")).digest == act(DECIDE).digest


def test_act_digest_when_the_body_differs_is_another() -> None:
    assert act(replace(DECIDE, comment="no")).digest != act(DECIDE).digest
    assert act(replace(DECIDE, decision="deny")).digest != act(DECIDE).digest


def test_act_digest_when_nested_terms_differ_is_another() -> None:
    one = CreateRequest(terms=terms(), idempotency_key="k")
    other = CreateRequest(terms=terms(resources=("mailbox/bob",)), idempotency_key="k")
    assert act(one).digest != act(other).digest


def test_act_digest_when_the_command_carries_its_document_is_of_what_arrived() -> None:
    arrived = {"comment": "as it came", "idempotency_key": "k-1"}
    assert act(wire.keep(replace(DECIDE), arrived)).digest == digest(canonical({"comment": "as it came"}))
    assert act(wire.keep(replace(DECIDE), wire.encode(DECIDE))).digest == act(DECIDE).digest


@given(st.permutations(["a", "b", "c", "ä", "Z", "10", "9"]))
def test_digest_when_keys_come_in_another_order_is_the_same(names: list[str]) -> None:
    body = {name: {"x": 1, "y": [name]} for name in sorted(names)}
    shuffled = {name: {"y": [name], "x": 1} for name in names}
    assert digest(canonical(shuffled)) == digest(canonical(body))


@given(messages(PutPolicy))
def test_act_when_of_any_policy_has_a_digest(command: PutPolicy) -> None:
    assert len(act(command).digest or "") == 64


def test_act_when_not_of_a_command_has_no_key() -> None:
    assert (Act(CAUSE, NOW).key, Act(CAUSE, NOW).digest) == (None, None)
