"""Refusals in words: every code that a service raises has wording, and no text is found by reading English."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from tests.sources import modules, nodes, nodes_of

import lockbox.contracts
import portal_service
from portal_service.web.wording.refusals import REFUSALS, refusal

ROOTS = (Path(portal_service.__file__).parents[1], Path(lockbox.contracts.__file__).parents[1])
WEB = Path(portal_service.__file__).parent / "web"
KINDS = {"Invalid", "Forbidden", "NotFound", "Conflict", "Unavailable", "Unauthenticated", "TooMany"}
NEVER_ON_A_PAGE = {
    # start and configuration
    "invalid_roles": "seeding accounts",
    "invalid_tenants": "seeding accounts",
    "invalid_document": "an answer of a service",
    "key_encryption_key": "start",
    "key_file": "start",
    "key_set": "start",
    "pkcs11_pin_file": "start",
    "signer": "start",
    # messages that are parked
    "event_contradicts_record": "an event",
    "event_name_reserved": "an event",
    "event_not_portable": "an event",
    "foreign_event": "an event",
    "mail_server_unavailable": "an email",
    "mail_not_taken": "an email",
    "recipient_refused": "an email",
    "recipient_unanswered": "an email",
    "recipients_unknown": "an event",
    "too_large": "an event",
    "unknown_event": "an event",
    # calls that no portal makes
    "method_not_found": "a call",
    "rpc_malformed": "a call",
    "rpc_too_large": "a call",
    # tokens and proofs, which are headers of the API
    "proof_malformed": "a header",
    "proof_of_another_grant": "a header",
    "proof_of_another_key": "a header",
    "proof_of_another_request": "a header",
    "proof_stale": "a header",
    "token_expired": "a header",
    "token_forged": "a header",
    "token_key_unknown": "a header",
    "token_malformed": "a header",
    "token_not_yet_valid": "a header",
    "token_other_audience": "a header",
    # the API of enforcement points
    "tenant_unknown": "a report of an access",
}


def errors() -> Iterator[ast.Call]:
    """All places in services and shared that make an error."""
    for node in nodes_of(modules(*ROOTS)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in KINDS and node.args:
            yield node


def raised() -> Iterator[str]:
    """The codes of all errors without faults."""
    for node in errors():
        yield from codes(node)


def names(code: str) -> set[str]:
    """The parameters that the wording of a code needs."""
    return {name for _, name, _, _ in Formatter().parse(REFUSALS.get(code, "")) if name}


def given(error: ast.Call) -> set[str]:
    """The parameters that an error brings."""
    params = next((one.value for one in error.keywords if one.arg == "params"), None)
    keys = params.keys if isinstance(params, ast.Dict) else []
    return {str(key.value) for key in keys if isinstance(key, ast.Constant)}


def codes(call: ast.Call) -> Iterator[str]:
    """The code of an error with a message; one that is made of parts as a regular expression."""
    if len(call.args) > 2:  # with faults
        return
    code = call.args[0]
    if isinstance(code, ast.Constant):
        yield re.escape(code.value)
    elif isinstance(code, ast.JoinedStr):
        yield "".join(re.escape(part.value) if isinstance(part, ast.Constant) else "[a-z_]+" for part in code.values)


def test_code_of_a_refusal_has_wording() -> None:
    known = (*REFUSALS, *NEVER_ON_A_PAGE)
    assert {code for code in raised() if not any(re.fullmatch(code, one) for one in known)} == set()


def test_codes_are_found_in_the_sources() -> None:
    found = set(raised())
    assert {"role_required", "grant_ended", "[a-z_]+_not_found"} <= found


def test_errors_bring_the_parameters_that_their_wording_needs() -> None:
    assert [(code, name) for one in errors() for code in codes(one) for name in names(code) - given(one)] == []


@pytest.mark.parametrize("code", REFUSALS)
def test_wording_of_a_refusal_is_a_sentence(code: str) -> None:
    text = REFUSALS[code]
    assert text[0].isupper() or text.startswith("{")
    assert text.endswith(".")


@pytest.mark.parametrize("code", [code for code in REFUSALS if names(code)])
def test_refusal_without_its_parameters_shows_the_message(code: str) -> None:
    assert refusal(code, "as it was said before", {}) == "As it was said before."


def test_refusal_with_parameters_words_them() -> None:
    params = {"freeze": "Year's end", "until": "2026-12-27T06:00:00.000000Z"}
    text = refusal("access_frozen", "", params)
    assert text == "The freeze “Year's end” allows no access until 2026-12-27 06:00:00 UTC."
    assert refusal("role_required", "", {"roles": ["customer_admin"]}) == "This needs the role customer admin."
    assert refusal("not_your_stage", "", {"side": "CUSTOMER"}) == "The customer's people decide now."


def tables() -> Iterator[tuple[str, str]]:
    """The keys of all tables in the portal's pages, with the module."""
    for path in modules(WEB):
        for node in nodes(path):
            for key in node.keys if isinstance(node, ast.Dict) else ():
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield path.name, key.value


def test_no_table_of_the_pages_is_keyed_by_english() -> None:
    assert [(module, key) for module, key in tables() if re.search(r"[a-z] [a-z]", key)] == []


def test_no_module_of_the_pages_looks_into_a_message() -> None:
    """A message of a service is shown as it is, or not at all."""
    found = []
    for path in modules(WEB):
        for node in nodes(path):
            compared = node.left if isinstance(node, ast.Compare) else None
            called = node.func.value if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else None
            for part in (compared, called):
                if isinstance(part, ast.Attribute) and part.attr in {"message", "expected"}:
                    found.append(f"{path.name}:{node.lineno}")
    assert found == []
