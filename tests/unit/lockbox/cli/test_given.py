"""Faults name the option or the argument that a field came by."""

from pathlib import Path

import pytest
from tests.unit.builders import REQUEST_ID
from tests.unit.lockbox.cli.commands import fails
from tests.unit.lockbox.fake_portal import FakePortal

from lockbox.cli.given import given_as

ASK = (
    *("request", "--tenant", "contoso", "--service-request", "SR-1", "--reason", "R", "--justification", "j"),
    *("--resource", "mailbox/alice", "--action", "read"),
)
GRANT = f"/api/v1/grants/{REQUEST_ID}"
ONE = f"/api/v1/requests/{REQUEST_ID}"
TENANT = "/api/v1/tenants/contoso"
FIELDS = [
    (ASK, "POST /api/v1/requests", "reason_code", "--reason"),
    (ASK, "POST /api/v1/requests", "service_request", "--service-request"),
    (ASK, "POST /api/v1/requests", "starts_at", "--starts-at"),
    (ASK, "POST /api/v1/requests", "resources.1", "--resource"),
    (ASK, "POST /api/v1/requests", "actions", "--action"),
    (ASK, "POST /api/v1/requests", "tenant", "--tenant"),
    (("audit", "contoso", "--from", "x"), f"GET {TENANT}/audit", "from", "--from"),
    (("audit", "contoso", "--type", "x"), f"GET {TENANT}/audit", "type", "--type"),
    (("audit", "contoso"), f"GET {TENANT}/audit", "tenant", "TENANT"),
    (("list", "--state", "x"), "GET /api/v1/requests", "state", "--state"),
    (("answer", REQUEST_ID, "x"), f"POST {ONE}/info-answers", "answer", "ANSWER"),
    (("ask", REQUEST_ID, "x"), f"POST {ONE}/info-requests", "question", "QUESTION"),
    (("cancel", REQUEST_ID, "-m", "x"), f"POST {ONE}/cancel", "comment", "--comment"),
    (
        ("extend", REQUEST_ID, "--duration", "x", "--justification", "j"),
        f"POST {GRANT}/extensions",
        "duration",
        "--duration",
    ),
    (("revoke", REQUEST_ID), f"POST {GRANT}/revoke", "Idempotency-Key", "Idempotency-Key"),
]

pytestmark = pytest.mark.usefixtures("signed_in")


def refuse(portal: FakePortal, route: str, *fields: str) -> None:
    faults = [{"field": field, "expected": "another", "received": "x"} for field in fields]
    detail = f"{fields[0]}: expected another, got 'x'"
    portal.says(route, {"detail": detail, "code": "invalid", "errors": faults}, status=422)


@pytest.mark.parametrize(("command", "route", "field", "shown"), FIELDS)
def test_fault_when_shown_names_what_the_person_gave(
    portal: FakePortal, command: tuple[str, ...], route: str, field: str, shown: str
) -> None:
    refuse(portal, route, field)
    assert fails(*command) == f"{shown}: expected another, got 'x' [invalid]"
    refuse(portal, route, "other", field)
    assert fails(*command).splitlines()[1:] == [
        "  other: expected another, got 'x'",
        f"  {shown}: expected another, got 'x'",
    ]


@pytest.mark.parametrize(
    ("option", "field", "shown"),
    [
        ("--duration", "changes.duration", "--duration"),
        ("--resource", "changes.resources.0", "--resource"),
        ("--digest", "request_digest", "--digest"),
    ],
)
def test_fault_of_a_decision_when_shown_names_what_the_person_gave(
    portal: FakePortal, option: str, field: str, shown: str
) -> None:
    portal.says(f"GET {ONE}", {"open": {"digest": "d", "terms": {"resources": ["a/b"], "actions": ["read"]}}})
    refuse(portal, f"POST {ONE}/decisions", field)
    assert fails("approve", REQUEST_ID, option, "x") == f"{shown}: expected another, got 'x' [invalid]"


def test_fault_when_the_field_is_in_a_file_keeps_its_path(portal: FakePortal, tmp_path: Path) -> None:
    (tmp_path / "policy.json").write_text("{}")
    refuse(portal, f"PUT {TENANT}/policy", "tenant")
    command = ("policy", "put", "contoso", "--file", str(tmp_path / "policy.json"))
    assert fails(*command) == "tenant: expected another, got 'x' [invalid]"
    refuse(portal, f"POST {TENANT}/policy/evaluate", "request.duration")
    command = ("policy", "test", "contoso", "--request", str(tmp_path / "policy.json"))
    assert fails(*command) == "--request.duration: expected another, got 'x' [invalid]"


def test_field_when_no_command_runs_is_itself() -> None:
    assert given_as("reason_code") == "reason_code"
