"""Promises of the stores of portal_service."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from lockbox.contracts.events import Changed
from lockbox.errors import TooMany
from portal_service.domain.account import Account
from portal_service.domain.session import ApiToken, Session
from portal_service.domain.sign_in import Allowance
from tests.stores.aggregates import SOON, AggregatesSuite, act
from tests.unit.builders import NOW

MINUTE = timedelta(minutes=1)
CAROL = Account(
    email="carol@contoso.example", organisation="contoso", roles=("customer_admin",), password_hash="a hash"
)
POINT = Account(email="point@vendor.example", organisation="vendor", roles=("enforcement_point",), password_hash=None)
FACTS = Session.begin(CAROL, NOW).facts


class AccountsSuite(AggregatesSuite):
    """Accounts."""

    noun = "account"
    answers = Account
    first = Changed(CAROL, FACTS)
    second = Changed(POINT, FACTS)

    def step(self, state: Account) -> Changed[Account]:
        return Changed(replace(state, roles=("customer_auditor",)), FACTS)


class ApiTokensSuite(AggregatesSuite):
    """API tokens."""

    noun = "api_token"
    answers = ApiToken
    first = ApiToken.create(POINT, ("contoso",), NOW)
    second = ApiToken.create(POINT, ("*",), SOON)

    def step(self, state: ApiToken) -> Changed[ApiToken]:
        return Changed(replace(state, created_at=SOON + MINUTE), FACTS)


class SessionsSuite(AggregatesSuite):
    """Sessions."""

    noun = "session"
    answers = Session
    first = Session.begin(CAROL, NOW)
    second = Session.begin(CAROL, SOON)

    def step(self, state: Session) -> Changed[Session]:
        return Changed(replace(state, expires_at=SOON), FACTS)

    def test_find_when_signed_out_gives_none(self, store: Any) -> None:
        store.create("a", self.first, act())
        store.create("b", self.second, act())
        store.remove("a")
        store.remove("nothing")
        assert (store.find("a"), store.find("b")) == (None, self.second.state)


class FailedAttemptsSuite:
    """Failed sign-ins."""

    def test_count_when_attempts_follow_each_other_makes_the_next_wait(self, store: Any) -> None:
        allowance, one = Allowance(2, MINUTE), str(uuid4())
        store.count(one, allowance, NOW)
        store.count(one, allowance, NOW)
        with pytest.raises(TooMany) as refused:
            store.count(one, allowance, NOW)
        assert refused.value.params == {"retry_after": 1}
        store.count(str(uuid4()), allowance, NOW)
        store.count(one, allowance, NOW + timedelta(seconds=1))

    def test_take_back_when_the_attempt_was_no_guess_frees_the_next(self, store: Any) -> None:
        allowance, one = Allowance(1, MINUTE), str(uuid4())
        for _ in range(3):
            store.count(one, allowance, NOW)
            store.take_back(one, NOW)
        store.count(one, allowance, NOW)
        with pytest.raises(TooMany):
            store.count(one, allowance, NOW)
