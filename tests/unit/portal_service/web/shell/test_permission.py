import pytest
from tests.unit.builders import ADMIN, ALICE, AUDITOR, ENGINEER, OPERATOR, VENDOR_APPROVER, VENDOR_AUDITOR, caller

from lockbox.contracts.approval.operations import CancelRequest, Decide
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.permission import Permission, Rights
from lockbox.errors import Forbidden
from portal_service.web.shell import permission
from portal_service.web.shell.layout import places

POINT = caller("point@vendor.example", "vendor", Role.ENFORCEMENT_POINT)
READERS = [ENGINEER, VENDOR_APPROVER, VENDOR_AUDITOR, ALICE, ADMIN, AUDITOR]


def test_obstacle_is_the_reason_that_the_service_gave_as_a_sentence() -> None:
    refused = Permission(allowed=False, code="grant_ended", message="x", params={"state": "REVOKED"})
    rights = Rights(may={"decide": refused, "cancel_request": Permission(allowed=True)})
    assert permission.obstacle(rights, Decide) == "This grant is revoked."
    assert permission.obstacle(rights, CancelRequest) is None


def test_obstacle_of_a_request_that_is_not_open_yet_says_so() -> None:
    assert permission.obstacle(Rights(), Decide) == "The request is not open for decisions yet. Try again in a moment."


@pytest.mark.parametrize("person", READERS, ids=lambda person: person.email)
def test_person_with_requests_to_see_is_let_through(person: Caller) -> None:
    permission.require_sight(person)
    assert permission.sees_requests(person)


@pytest.mark.parametrize("person", [OPERATOR, POINT], ids=lambda person: person.email)
def test_person_with_no_request_to_see_is_refused(person: Caller) -> None:
    assert not permission.sees_requests(person)
    with pytest.raises(Forbidden) as refused:
        permission.require_sight(person)
    assert refused.value.code == "requests_not_visible"


def test_use_of_an_operation_follows_its_declared_roles() -> None:
    assert permission.may_use(ENGINEER, "create_request")
    assert not permission.may_use(ALICE, "create_request")
    assert permission.may_use(ALICE, "revoke_grant")
    assert not permission.may_use(AUDITOR, "revoke_grant")
    with pytest.raises(KeyError):
        permission.may_use(ALICE, "no_such_operation")


@pytest.mark.parametrize(
    ("person", "labels"),
    [
        (ENGINEER, ["My queue", "All requests", "Grants"]),
        (VENDOR_APPROVER, ["My queue", "All requests", "Grants", "Settings"]),
        (VENDOR_AUDITOR, ["Overview", "All requests", "Grants", "Settings", "Audit trail"]),
        (OPERATOR, ["Overview"]),
        (ALICE, ["My queue", "All requests", "Grants", "Settings"]),
        (ADMIN, ["My queue", "All requests", "Grants", "Settings", "Audit trail"]),
        (AUDITOR, ["Overview", "All requests", "Grants", "Settings", "Audit trail"]),
    ],
    ids=lambda value: value.email if isinstance(value, Caller) else "",
)
def test_navigation_leads_to_the_places_of_the_roles(person: Caller, labels: list[str]) -> None:
    assert [place.label for place in places(person)] == labels


def test_navigation_changes_with_the_declared_roles_of_an_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permission.BY_METHOD["list_records"], "roles", (Role.CUSTOMER_APPROVER,))
    assert "Audit trail" in [place.label for place in places(ALICE)]
    assert "Audit trail" not in [place.label for place in places(ADMIN)]
