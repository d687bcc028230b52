from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import NOW, policy, terms

from approval_service.domain.policy import Policy
from lockbox.contracts import wire
from lockbox.contracts.approval import DEFAULT_SETTINGS, PolicyChanged, PolicySettings, Stage, StageName
from lockbox.errors import Conflict, Invalid

LATER = NOW + timedelta(days=1)
BY = "carol@contoso.example"


def settings(**changes: Any) -> PolicySettings:
    return replace(DEFAULT_SETTINGS, **changes)


def test_defaults_when_nothing_is_decided_are_those_of_the_product() -> None:
    assert settings() == PolicySettings(
        require_approval=True,
        request_lifetime=timedelta(hours=12),
        maximum_duration=timedelta(hours=4),
        customer_quorum=1,
    )


def test_first_when_a_tenant_begins_has_the_defaults_as_version_one() -> None:
    changed = Policy.first("contoso", "approval_service", NOW)
    assert changed.state == policy()
    assert changed.facts == (PolicyChanged(tenant="contoso", version=1, **DEFAULT_SETTINGS.settings()),)


def test_change_when_something_is_new_counts_the_version_up() -> None:
    changed = policy().change(settings(require_approval=False), None, BY, LATER)
    expected = policy(require_approval=False)
    assert changed.state == replace(expected, version=2, changed_at=LATER, changed_by=BY)
    [fact] = changed.facts
    assert fact == PolicyChanged(tenant="contoso", version=2, **settings(require_approval=False).settings())


def test_change_when_nothing_is_new_changes_nothing() -> None:
    changed = policy().change(settings(), 1, BY, LATER)
    assert changed.state == policy()
    assert changed.facts == ()


@pytest.mark.parametrize("expected", [None, 1])
def test_change_when_the_version_is_the_one_in_force_is_made(expected: int | None) -> None:
    assert policy().change(settings(customer_quorum=2), expected, BY, LATER).state.version == 2


@pytest.mark.parametrize("expected", [0, 2, 99])
@pytest.mark.parametrize("quorum", [1, 2])
def test_change_when_the_version_is_another_conflicts_whatever_the_settings(expected: int, quorum: int) -> None:
    with pytest.raises(Conflict) as refused:
        policy().change(settings(customer_quorum=quorum), expected, BY, LATER)
    assert refused.value.code == "policy_version_stale"
    assert "version 1" in refused.value.message


def test_change_when_made_again_and_again_counts_on() -> None:
    state = policy()
    for quorum in (2, 3, 3, 4):
        state = state.change(settings(customer_quorum=quorum), None, BY, LATER).state
    assert state.version == 4


def test_stages_when_approval_is_required_are_the_vendors_then_the_customers() -> None:
    assert policy(customer_quorum=3).stages() == (
        Stage(name=StageName.VENDOR, quorum=1),
        Stage(name=StageName.CUSTOMER, quorum=3),
    )


def test_stages_when_approval_is_not_required_is_the_vendors_alone() -> None:
    assert policy(require_approval=False, customer_quorum=3).stages() == (Stage(name=StageName.VENDOR, quorum=1),)


@pytest.mark.parametrize("duration", [timedelta(seconds=1), timedelta(hours=4)])
def test_objection_when_the_duration_is_allowed_is_none(duration: timedelta) -> None:
    assert policy().objection_to(terms(duration=duration)) is None


def test_objection_when_the_duration_is_too_long_says_what_is_allowed() -> None:
    objection = policy().objection_to(terms(duration=timedelta(hours=4, microseconds=1)))
    assert objection == "the tenant's policy allows at most PT4H"


def test_objection_when_the_service_request_is_unlike_the_pattern_says_what_it_should_be() -> None:
    strict = policy(service_request_pattern="SR-######")
    assert strict.objection_to(terms(service_request="SR-359423")) is None
    assert "SR-######" in str(strict.objection_to(terms(service_request="SR-1")))


@pytest.mark.parametrize("pattern", ["", "SR", "sr-#", "SR-", "#R-1", "SR-**", "SR-*#", "SR-(a+)+", "SR-#############"])
def test_pattern_when_no_service_request_can_look_like_it_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid) as refused:
        wire.decode(PolicySettings, wire.encode(settings()) | {"service_request_pattern": pattern})
    assert refused.value.code == "invalid_service_request_pattern"
