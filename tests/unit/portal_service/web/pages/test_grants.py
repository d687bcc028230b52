"""The pages of grants: offers, effects, obstacles, extensions."""

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import ADMIN, ALICE, AUDITOR, ENGINEER, NOW, VENDOR_APPROVER, VENDOR_AUDITOR, granted, perform
from tests.unit.portal_service.web.conftest import OpenAs

from approval_service.domain.approval.approval import Approval
from lockbox.contracts.approval.operations import RequestExtension
from lockbox.contracts.grant.operations import CompleteGrant, RevokeGrant
from lockbox.contracts.identity import Caller

GRANT = granted().granted().id
PATH = f"/grants/{GRANT}"


def extended() -> Approval:
    one = granted(duration=timedelta(hours=1))
    asked = RequestExtension(
        grant_id=one.granted().id, duration=timedelta(minutes=30), justification="Longer.", idempotency_key="k-2"
    )
    return perform(one, ENGINEER, asked, NOW).state


def revoked() -> Approval:
    return perform(granted(), ALICE, RevokeGrant(grant_id=GRANT, idempotency_key="k-3"), NOW).state


@pytest.mark.parametrize(
    ("person", "offered"),
    [
        (ENGINEER, {"Ask for more time", "Complete"}),
        (VENDOR_APPROVER, {"Revoke"}),
        (ALICE, {"Revoke"}),
        (ADMIN, {"Revoke"}),
        (AUDITOR, set()),
        (VENDOR_AUDITOR, set()),
    ],
)
def test_list_offers_what_the_person_can_do_with_a_live_grant(
    open_as: OpenAs, person: Caller, offered: set[str]
) -> None:
    page = open_as(person, granted()).get("/grants")
    named = {name.removesuffix(" SR-359423").removesuffix(" the access of").removesuffix(" for") for name in page.links}
    assert {"Ask for more time", "Complete", "Revoke"} & named == offered


def test_list_shows_ended_grants_without_operations(open_as: OpenAs) -> None:
    page = open_as(ALICE, revoked()).get("/grants")
    assert "Nothing is open." in page.text
    assert "Revoked" in page.text
    assert not any(name.startswith("Revoke ") for name in page.links)


def test_list_names_the_extension_that_waits_for_the_person(open_as: OpenAs) -> None:
    assert "waits for your decision" in open_as(VENDOR_APPROVER, extended()).get("/grants").links
    assert "waits for your decision" not in open_as(ENGINEER, extended()).get("/grants").links


def test_list_tells_the_engineer_how_to_fetch_the_signed_grant(open_as: OpenAs) -> None:
    assert f"lockbox token {GRANT}" in open_as(ENGINEER, granted()).get("/grants").text
    assert f"lockbox token {GRANT}" not in open_as(ALICE, granted()).get("/grants").text


@pytest.mark.parametrize(
    ("person", "name", "command", "done"),
    [
        (ALICE, "revoke", RevokeGrant, "You revoked the access."),
        (ENGINEER, "complete", CompleteGrant, "You completed the access."),
    ],
)
def test_grant_when_ended_says_so_at_its_request(
    open_as: OpenAs, person: Caller, name: str, command: Any, done: str
) -> None:
    portal = open_as(person, granted())
    page = portal.get(f"{PATH}/{name}")
    assert "Access ends now, for good." in page.text
    after = portal.post(f"{PATH}/{name}", page.values | {"comment": "Enough."})
    assert done in after.text
    [sent] = portal.services.commands(command)
    assert (sent.grant_id, sent.comment, sent.idempotency_key) == (GRANT, "Enough.", page.values["idempotency_key"])


@pytest.mark.parametrize(("person", "name"), [(ENGINEER, "revoke"), (ALICE, "complete"), (AUDITOR, "revoke")])
def test_page_of_an_operation_for_others_says_why_and_has_no_form(open_as: OpenAs, person: Caller, name: str) -> None:
    page = open_as(person, granted()).get(f"{PATH}/{name}")
    assert "You can't do this now" in page.text
    assert page.buttons == ["Sign out"]


def test_grant_when_it_has_ended_meanwhile_is_left_as_it_is(open_as: OpenAs) -> None:
    portal = open_as(ALICE, granted())
    page = portal.get(f"{PATH}/revoke")
    one = revoked()
    portal.services.approvals.states[one.request_id] = one
    assert "Nothing was changed. This grant is revoked" in portal.post(f"{PATH}/revoke", page.values).text


def test_extension_is_asked_for_in_words_that_people_type(open_as: OpenAs) -> None:
    portal = open_as(ENGINEER, granted())
    after = portal.send(f"{PATH}/extend", duration="40 min", justification="The export takes longer.")
    assert "You asked for more time." in after.text
    assert "Extension 1 Pending" in after.text
    assert "40 minutes more" in after.text
    [sent] = portal.services.commands(RequestExtension)
    assert (sent.duration, sent.justification) == (timedelta(minutes=40), "The export takes longer.")


def test_extension_longer_than_the_policy_allows_says_so_and_keeps_what_was_typed(open_as: OpenAs) -> None:
    page = open_as(ENGINEER, granted()).send(f"{PATH}/extend", 422, duration="300h", justification="To be sure.")
    assert "at most" in page.text
    assert "To be sure." in page.html


@pytest.mark.parametrize(("person", "one"), [(ALICE, granted()), (ENGINEER, extended()), (ENGINEER, revoked())])
def test_extension_that_can_not_be_asked_for_says_why(open_as: OpenAs, person: Caller, one: Approval) -> None:
    page = open_as(person, one).get(f"/grants/{one.granted().id}/extend")
    assert "You can't do this now" in page.text
    assert page.buttons == ["Sign out"]


@pytest.mark.parametrize(("person", "shown"), [(ALICE, True), (VENDOR_AUDITOR, True), (ENGINEER, False)])
def test_report_of_use_is_linked_for_its_readers(open_as: OpenAs, person: Caller, *, shown: bool) -> None:
    assert ("Granted versus used" in open_as(person, granted()).get("/grants").links) is shown
