from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.builders import NOW, REQUEST_ID, asked, created, terms

from lockbox.contracts.request.terms import AccessTerms, RequestState
from lockbox.contracts.request.views import TenantView
from lockbox.errors import Conflict, Invalid
from lockbox.faults import Expected
from request_service.domain.request import MOST_ANSWERS, AccessRequest, ask

TENANT = TenantView(
    tenant="contoso",
    maximum_duration=timedelta(hours=4),
    request_lifetime=timedelta(hours=12),
    default_duration=timedelta(hours=2),
)
REQUESTER = "erin@vendor.example"


def refusal(known: TenantView | None = TENANT, **changes: Any) -> Invalid:
    with pytest.raises(Invalid) as refused:
        ask(REQUEST_ID, asked(**changes), REQUESTER, known, NOW)
    return refused.value


def test_ask_when_the_terms_are_good_makes_a_request_that_expires() -> None:
    changed = ask(REQUEST_ID, asked(), REQUESTER, TENANT, NOW)
    about = {"request_id": REQUEST_ID, "requester": REQUESTER, "created_at": NOW}
    assert changed.state == AccessRequest(**terms().within(**about, expires_at=NOW + timedelta(hours=12)))
    assert changed.facts == (created(),)


def test_ask_when_the_tenant_has_another_lifetime_expires_by_that() -> None:
    quick = replace(TENANT, request_lifetime=timedelta(minutes=1))
    assert ask(REQUEST_ID, asked(), REQUESTER, quick, NOW).state.expires_at == NOW + timedelta(minutes=1)


def test_ask_when_there_is_no_such_tenant_says_so() -> None:
    error = refusal(None, tenant="nowhere")
    assert error.code == "tenant_unknown"
    assert error.faults == (Expected("tenant_unknown").fault("tenant", "nowhere"),)


@pytest.mark.parametrize("duration", [timedelta(microseconds=1), timedelta(hours=4)])
def test_ask_when_as_long_as_allowed_is_accepted(duration: timedelta) -> None:
    assert ask(REQUEST_ID, asked(duration=duration), REQUESTER, TENANT, NOW).state.duration == duration


def test_ask_when_longer_than_allowed_says_how_long_it_may_be() -> None:
    error = refusal(duration=timedelta(hours=4, seconds=1))
    assert error.code == "duration_too_long"
    assert error.faults == (Expected("duration_too_long", most="PT4H").fault("duration", "PT4H1S"),)


@pytest.mark.parametrize("starts_at", [None, NOW, NOW + timedelta(seconds=1), NOW + timedelta(days=30)])
def test_ask_when_it_starts_in_the_next_thirty_days_is_accepted(starts_at: datetime | None) -> None:
    assert ask(REQUEST_ID, asked(starts_at=starts_at), REQUESTER, TENANT, NOW).state.starts_at == starts_at


@pytest.mark.parametrize(
    "starts_at",
    [
        NOW - timedelta(microseconds=1),
        NOW - timedelta(days=365),
        NOW + timedelta(days=30, microseconds=1),
        NOW + timedelta(days=3650),
    ],
)
def test_ask_when_it_starts_in_the_past_or_too_far_off_is_refused(starts_at: datetime) -> None:
    error = refusal(starts_at=starts_at)
    assert error.code == "invalid_starts_at"
    assert [(fault["field"], fault["expected"]) for fault in error.faults] == [
        ("starts_at", "a moment in the next 30 days, or null")
    ]


@pytest.mark.parametrize(
    ("pattern", "service_request", "taken"),
    [
        (None, "X-1", True),
        ("SR-######", "SR-359423", True),
        ("SR-######", "SR-3594230", False),
        ("SR-######", "SR-35942", False),
        ("SR-*", "SR-1", True),
        ("SR-4#*", "SR-401", True),
        ("SR-4#*", "SR-40", False),
        ("SR-4#*", "SR-501", False),
        ("C##-*", "C12-7", True),
        ("C##-*", "CAB-7", False),
    ],
)
def test_ask_when_the_tenant_has_a_pattern_keeps_to_it(pattern: str | None, service_request: str, taken: bool) -> None:
    tenant = replace(TENANT, service_request_pattern=pattern)
    if taken:
        ask(REQUEST_ID, asked(service_request=service_request), REQUESTER, tenant, NOW)
    else:
        error = refusal(tenant, service_request=service_request)
        assert (error.code, error.faults[0]["field"]) == ("service_request_unlike_pattern", "service_request")
        assert str(pattern) in error.message


def test_ask_when_several_things_are_wrong_says_the_first() -> None:
    assert refusal(None, duration=timedelta(hours=9)).code == "tenant_unknown"
    assert refusal(duration=timedelta(hours=9), starts_at=NOW - timedelta(days=1)).code == "duration_too_long"


def test_terms_when_read_from_a_message_are_those_of_its_sender() -> None:
    assert AccessTerms.of(created()) == terms()
    assert AccessTerms.of(ask(REQUEST_ID, asked(), REQUESTER, TENANT, NOW).state) == terms()


def test_ask_when_no_duration_is_given_takes_the_tenants() -> None:
    changed = ask(REQUEST_ID, replace(asked(), duration=None), REQUESTER, TENANT, NOW)
    assert changed.state.duration == timedelta(hours=2)
    assert changed.facts[0].duration == timedelta(hours=2)  # type: ignore[attr-defined]


def test_answer_when_something_is_asked_counts_the_answers() -> None:
    request = ask(REQUEST_ID, asked(), REQUESTER, TENANT, NOW).state
    once = request.answer("The first.", RequestState.INFO_REQUESTED)
    twice = once.state.answer("And the second.", RequestState.INFO_REQUESTED)
    told = [(fact.number, fact.answer) for fact in (*once.facts, *twice.facts)]  # type: ignore[attr-defined]
    assert told == [(1, "The first."), (2, "And the second.")]
    assert replace(twice.state, answers=0) == request


@pytest.mark.parametrize("state", [RequestState.PENDING_VENDOR, RequestState.APPROVED, RequestState.EXPIRED])
def test_answer_when_nothing_is_asked_is_refused(state: RequestState) -> None:
    request = ask(REQUEST_ID, asked(), REQUESTER, TENANT, NOW).state
    with pytest.raises(Conflict) as refused:
        request.answer("The first.", state)
    assert refused.value.code == "nothing_asked"


def test_answer_when_there_are_too_many_is_refused() -> None:
    request = replace(ask(REQUEST_ID, asked(), REQUESTER, TENANT, NOW).state, answers=MOST_ANSWERS)
    with pytest.raises(Conflict) as refused:
        request.answer("Again.", RequestState.INFO_REQUESTED)
    assert refused.value.code == "too_many_answers"


def test_ask_when_the_signed_grant_would_be_longer_than_guards_accept_is_refused() -> None:
    error = refusal(resources=tuple(f"logs/{number:03}/{'x' * 200}" for number in range(100)))
    assert (error.code, error.faults[0]["field"]) == ("grant_too_large", "resources")
    assert error.faults[0]["params"] == {"most": 16_384}
