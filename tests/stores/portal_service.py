"""Promises of the stores of portal_service."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from lockbox.contracts.events import Changed
from portal_service.domain.account import Account
from portal_service.domain.session import ApiToken, FailedAttempt, Session
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

    def test_recent_when_asked_counts_those_of_the_address_since_then(self, store: Any) -> None:
        attempts = ((CAROL.email, NOW), (CAROL.email, NOW + MINUTE), (CAROL.email, SOON), (POINT.email, SOON))
        for index, (email, at) in enumerate(attempts):
            store.create(f"attempt-{index}", FailedAttempt.note(email, None, at), act(now=at))
        assert store.recent(CAROL.email, NOW - MINUTE) == 3
        assert store.recent(CAROL.email, NOW) == 2
        assert store.recent(CAROL.email, SOON) == 0
        assert store.recent(POINT.email, NOW) == 1
        assert store.recent("nobody@contoso.example", NOW - MINUTE) == 0
