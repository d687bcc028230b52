from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import ALICE, NOW, REQUEST_ID, VENDOR_APPROVER, approval, created, decide
from tests.unit.strategies import EVERY_FACT

from lockbox.contracts.approval.facts import (
    BreakGlassRequested,
    BreakGlassUsed,
    InfoRequested,
    RequestApproved,
    RequestDenied,
    RequestExpired,
    ReviewResumed,
    StageOpened,
)
from lockbox.contracts.events import Fact
from lockbox.contracts.grant.facts import AccessGranted, ExtendedWithoutCustomer, ExtensionDecided, GrantRevoked
from lockbox.contracts.identity import Role
from lockbox.contracts.policy.document import DEFAULT_SETTINGS, Group, Side
from lockbox.contracts.policy.facts import PolicyChangeProposed
from lockbox.contracts.request.terms import ReasonCode
from notify_service.domain.alert import Alert, Audience, reason, spoken, utc
from notify_service.domain.email import COMPOSERS, alert_for

EXPIRES = NOW + timedelta(hours=12)
OPENED = StageOpened(
    **created().within(
        request_id=REQUEST_ID,
        requester="erin@vendor.example",
        created_at=NOW,
        expires_at=EXPIRES,
        stage=Side.CUSTOMER,
        quorum=1,
        policy_version=1,
    )
)
OUTCOME: dict[str, Any] = {
    "tenant": "contoso",
    "request_id": REQUEST_ID,
    "requester": "erin@vendor.example",
    "service_request": "SR-359423",
}
GRANT: dict[str, Any] = {
    "tenant": "contoso",
    "grant_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "request_id": REQUEST_ID,
    "requester": "erin@vendor.example",
}
REVOKED = GrantRevoked(**GRANT, comment="enough")


def granted(**settings: Any) -> AccessGranted:
    once = decide(approval(settings=settings), VENDOR_APPROVER)
    changed = decide(once.state, ALICE) if once.state.grant is None else once
    [fact] = [fact for fact in changed.facts if isinstance(fact, AccessGranted)]
    return fact


def told(fact: Fact) -> Alert:
    alert = alert_for(fact)
    assert alert is not None
    return alert


# --- an approval is needed -----------------------------------------------------------------------------------------


def test_alert_when_the_customer_has_to_decide_holds_all_that_it_must() -> None:
    alert = told(OPENED)
    lines = dict(alert.lines)
    assert lines == {
        "Service request": "SR-359423",
        "Request ID": REQUEST_ID,
        "Requestor": "erin@vendor.example",
        "Reason": "Customer initiated support (CUSTOMER_INITIATED_SUPPORT)",
        "Severity": "Normal",
        "Justification": "Alice cannot open her mailbox.",
        "Resources": "mailbox/alice",
        "Actions": "read",
        "Create time": "2026-01-31 09:30:00 UTC",
        "Duration": "4 hours",
        "Expires": "2026-01-31 21:30:00 UTC",
    }
    assert [label for label, _ in alert.lines][:4] == ["Service request", "Request ID", "Requestor", "Reason"]
    assert (alert.kind, alert.request_id, alert.tenant, alert.urgent) == (
        "approval_needed",
        REQUEST_ID,
        "contoso",
        True,
    )
    assert alert.subject == f"Customer Lockbox: decide on SR-359423 (request {REQUEST_ID})"


def test_alert_when_the_customer_has_to_decide_is_for_its_approvers() -> None:
    assert told(OPENED).audience == Audience(
        organisation="contoso", roles=(Role.CUSTOMER_APPROVER,), but="erin@vendor.example"
    )
    assert "your organisation's content" in told(OPENED).introduction


def test_alert_when_the_vendor_has_to_decide_is_for_the_vendors_approvers() -> None:
    alert = told(replace(OPENED, stage=Side.VENDOR))
    assert alert.audience == Audience(organisation="vendor", roles=(Role.VENDOR_APPROVER,), but="erin@vendor.example")
    assert "content of contoso" in alert.introduction
    assert alert.urgent
    assert dict(alert.lines) == dict(told(OPENED).lines)


def test_alert_when_many_things_are_asked_for_names_them_all() -> None:
    lines = dict(told(replace(OPENED, resources=("a/b", "c/d"), actions=("read", "export"))).lines)
    assert (lines["Resources"], lines["Actions"]) == ("a/b, c/d", "read, export")


def test_alert_when_the_stage_has_groups_is_for_their_roles_and_people() -> None:
    groups = (
        Group(name="Legal", members=("lea@contoso.example", "customer_admin")),
        Group(name="Any", members=("customer_approver",)),
    )
    assert told(replace(OPENED, groups=groups)).audience == Audience(
        organisation="contoso",
        roles=(Role.CUSTOMER_ADMIN, Role.CUSTOMER_APPROVER),
        emails=("lea@contoso.example",),
        but="erin@vendor.example",
    )


def test_alert_when_an_extension_is_asked_for_says_so() -> None:
    alert = told(replace(OPENED, extension=1, duration=timedelta(hours=1)))
    assert alert.kind == "extension_needs_approval"
    assert "more time" in alert.introduction
    assert "no access after 2026-01-31 21:30:00 UTC" in alert.introduction
    assert dict(alert.lines)["Duration"] == "1 hour"


# --- questions, emergencies, policies ------------------------------------------------------------------------------


def test_alert_when_the_approvers_ask_back_tells_the_requester_what() -> None:
    alert = told(InfoRequested(**OUTCOME, approver="alice@contoso.example", question="Which index?"))
    assert (alert.kind, alert.audience) == ("info_requested", Audience(emails=("erin@vendor.example",)))
    assert dict(alert.lines)["Question"] == "Which index?"


def test_alert_when_the_engineer_answers_tells_the_stage() -> None:
    groups = (Group(name="Any", members=("customer_approver",)),)
    alert = told(ReviewResumed(**OUTCOME, stage=Side.CUSTOMER, groups=groups, answer="The first."))
    assert alert.audience == Audience(
        organisation="contoso", roles=(Role.CUSTOMER_APPROVER,), but="erin@vendor.example"
    )
    assert dict(alert.lines)["Answer"] == "The first."


def test_alert_when_an_extension_is_decided_tells_the_requester_until_when() -> None:
    fact = ExtensionDecided(**GRANT, number=1, outcome="approve", ends_at=EXPIRES, comment="Go on.")
    alert = told(fact)
    assert alert.introduction == "Your access was extended."
    assert dict(alert.lines)["Access until"] == "2026-01-31 21:30:00 UTC"
    assert told(replace(fact, outcome="deny")).introduction == "Your access was not extended."
    assert alert_for(replace(fact, outcome="lapse")) is None


def test_alert_when_an_access_is_extended_without_the_customer_informs_the_customer_in_full() -> None:
    alert = told(
        ExtendedWithoutCustomer(
            **GRANT,
            service_request="SR-359423",
            number=2,
            duration=timedelta(hours=1),
            justification="It is larger.",
            resources=("logs/app",),
            actions=("read",),
            ends_at=EXPIRES,
        )
    )
    assert alert.audience == Audience(organisation="contoso", roles=(Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN))
    assert alert.urgent
    assert "without your approvers" in alert.introduction
    shown = dict(alert.lines)
    assert (shown["Extended by"], shown["Access until"]) == ("1 hour", "2026-01-31 21:30:00 UTC")
    assert (shown["Resources"], shown["Justification"]) == ("logs/app", "It is larger.")


def test_alert_when_break_glass_is_wanted_tells_the_other_approvers_of_the_vendor() -> None:
    alert = told(BreakGlassRequested(**OUTCOME, approver="victor@vendor.example", comment="All is down."))
    assert alert.audience == Audience(organisation="vendor", roles=(Role.VENDOR_APPROVER,), but="victor@vendor.example")
    assert alert.urgent


def test_alert_when_break_glass_is_used_informs_the_customer_in_full() -> None:
    opened = {name: value for name, value in GRANT.items() if name not in ("tenant",)}
    alert = told(
        BreakGlassUsed(
            **created().within(
                **opened, approvers=("v@vendor.example", "w@vendor.example"), comments=("a", "b"), ends_at=EXPIRES
            )
        )
    )
    assert alert.audience == Audience(organisation="contoso", roles=(Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN))
    assert alert.urgent
    assert "EMERGENCY" in alert.subject
    lines = dict(alert.lines)
    assert (lines["Opened by"], lines["Because"]) == ("v@vendor.example and w@vendor.example", "a / b")
    assert lines["Resources"] == "mailbox/alice"


def test_alert_when_a_policy_is_proposed_tells_the_administrators() -> None:
    alert = told(PolicyChangeProposed(tenant="contoso", version=3, digest="d" * 64, settings=DEFAULT_SETTINGS))
    assert alert.audience == Audience(organisation="contoso", roles=(Role.CUSTOMER_ADMIN,))
    assert (alert.request_id, alert.urgent) == (None, True)


# --- access without the customer's approval ------------------------------------------------------------------------


def test_alert_when_access_opened_without_the_customer_tells_its_approvers_and_administrators() -> None:
    alert = told(granted(require_approval=False))
    assert alert.kind == "access_opened"
    assert alert.audience == Audience(organisation="contoso", roles=(Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN))
    assert alert.urgent
    lines = dict(alert.lines)
    assert lines["Access from"] == "2026-01-31 09:30:00 UTC"
    assert lines["Access until"] == "2026-01-31 13:30:00 UTC"
    assert (lines["Service request"], lines["Requestor"]) == ("SR-359423", "erin@vendor.example")
    assert (lines["Justification"], lines["Resources"]) == ("Alice cannot open her mailbox.", "mailbox/alice")
    assert "revoke" in alert.introduction


def test_alert_when_the_policy_opened_access_says_so() -> None:
    by_itself = replace(granted(require_approval=False), opened_by="policy")
    assert "policy has opened access by itself" in told(by_itself).introduction
    assert alert_for(replace(by_itself, opened_by="break_glass")) is None, "break_glass_used tells of it"


def test_alert_when_access_opened_with_the_customers_approval_is_none() -> None:
    assert alert_for(granted()) is None


# --- outcomes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fact", "kind", "said", "lines"),
    [
        (RequestApproved(**OUTCOME, approval_required=True), "request_approved", "SR-359423 was approved", {}),
        (
            RequestDenied(**OUTCOME, denied_by="alice@contoso.example", comment="no"),
            "request_denied",
            "SR-359423 was denied",
            {"Denied by": "alice@contoso.example", "Comment": "no"},
        ),
        (
            RequestDenied(**OUTCOME, denied_by="policy", comment=""),
            "request_denied",
            "SR-359423 was denied",
            {"Denied by": "policy", "Comment": "none"},
        ),
        (RequestExpired(**OUTCOME), "request_expired", "SR-359423 expired without a decision", {}),
        (REVOKED, "grant_revoked", "Your access was revoked", {"Comment": "enough"}),
        (replace(REVOKED, comment=""), "grant_revoked", "Your access was revoked", {"Comment": "none"}),
    ],
)
def test_alert_when_there_is_an_outcome_tells_the_requester(
    fact: Fact, kind: str, said: str, lines: dict[str, str]
) -> None:
    alert = told(fact)
    assert (alert.kind, alert.audience) == (kind, Audience(emails=("erin@vendor.example",)))
    assert alert.introduction == f"{said}."
    assert dict(alert.lines) == {"Request ID": REQUEST_ID, "Customer": "contoso", **lines}
    assert REQUEST_ID in alert.subject
    assert not alert.urgent


def test_alert_when_the_fact_has_no_audience_is_none() -> None:
    assert alert_for(created()) is None
    telling = {kind.__name__ for kind in COMPOSERS}
    assert telling == {
        "StageOpened",
        "InfoRequested",
        "ReviewResumed",
        "ExtensionDecided",
        "ExtendedWithoutCustomer",
        "BreakGlassRequested",
        "BreakGlassUsed",
        "PolicyChangeProposed",
        "AccessGranted",
        "RequestApproved",
        "RequestDenied",
        "RequestExpired",
        "GrantRevoked",
    }
    assert set(COMPOSERS) < set(EVERY_FACT)


def test_alert_when_it_tells_of_itself_would_never_end_so_it_does_not() -> None:
    assert not [kind for kind in COMPOSERS if kind.source == "notify_service"]


# --- words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(hours=4), "4 hours"),
        (timedelta(hours=1), "1 hour"),
        (timedelta(hours=1, minutes=30), "1 hour 30 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(minutes=90), "1 hour 30 minutes"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(hours=2, seconds=5), "2 hours 5 seconds"),
        (timedelta(hours=1, minutes=1, seconds=1), "1 hour 1 minute 1 second"),
        (timedelta(days=1), "24 hours"),
        (timedelta(days=7), "168 hours"),
        (timedelta(0), "0 seconds"),
        (timedelta(microseconds=999_999), "0 seconds"),
    ],
)
def test_spoken_when_given_a_duration_says_it_in_words(duration: timedelta, words: str) -> None:
    assert spoken(duration) == words


def test_utc_when_given_a_moment_says_it_to_the_second() -> None:
    assert utc(NOW) == "2026-01-31 09:30:00 UTC"


@pytest.mark.parametrize("code", ReasonCode)
def test_reason_when_given_a_code_says_it_in_words_too(code: str) -> None:
    words = reason(code)
    assert words.endswith(f" ({code})")
    assert words.lower().startswith(code.lower().replace("_", " "))
