"""The stores on MongoDB keep the same promises as the fakes of the unit tests."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from tests.integration.test_aggregates import Offers
from tests.stores.approval_service import (
    AccessesSuite,
    ApprovalsSuite,
    DirectorySuite,
    KeyringsSuite,
    PoliciesSuite,
)
from tests.stores.audit_service import RecordsSuite
from tests.stores.notify_service import DeliveriesSuite, EmailCountsSuite, MembersSuite
from tests.stores.portal_service import AccountsSuite, ApiTokensSuite, FailedAttemptsSuite, SessionsSuite
from tests.stores.request_service import PacesSuite, RequestsSuite, TenantsSuite
from tests.unit.builders import NOW

from approval_service import store as approvals
from audit_service.store import RecordStore
from lockbox.embedded.stack import Stack
from lockbox.errors import TooMany
from lockbox.provision.secrets import ADMIN
from lockbox.runtime.storage.mongo import connect
from notify_service import store as notifications
from portal_service import store as accounts
from request_service import store as requests
from request_service.domain.pace import AskingLimit


@pytest.fixture(scope="module")
def database(stack: Stack) -> Iterator[Any]:
    """A database as the services connect to one."""
    name = f"test_{uuid4().hex[:12]}"
    with connect(stack.servers.database_uri(ADMIN, stack.secrets.database), "tests") as client:
        yield client[name]
        client.drop_database(name)


class OnMongoDB:
    """Gives a suite its store, with its indexes, and nothing in it."""

    kind: ClassVar[type[Any]]

    @pytest.fixture
    def store(self, database: Any) -> Any:
        made = self.kind(database, Offers())
        made.ensure_indexes()
        made.collection.delete_many({})
        return made


class TestApprovals(OnMongoDB, ApprovalsSuite):
    kind = approvals.ApprovalStore


def test_grants_by_id_when_read_uses_the_index_of_grants(database: Any) -> None:
    store = approvals.ApprovalStore(database, Offers())
    store.ensure_indexes()
    found = store.collection.find({"state.grant.id": {"$in": ["a", "b"]}}, {"state.grant": True})
    plan = str(found.explain()["queryPlanner"]["winningPlan"])
    assert "state.grant.id_1" in plan
    assert "COLLSCAN" not in plan


class TestPolicies(OnMongoDB, PoliciesSuite):
    kind = approvals.PolicyStore


class TestKeyrings(OnMongoDB, KeyringsSuite):
    kind = approvals.KeyringStore


class TestAccesses(OnMongoDB, AccessesSuite):
    kind = approvals.AccessStore


class TestDirectory(OnMongoDB, DirectorySuite):
    kind = approvals.DirectoryStore


class TestRequests(OnMongoDB, RequestsSuite):
    kind = requests.RequestStore


class TestPaces(OnMongoDB, PacesSuite):
    kind = requests.PaceStore

    def test_count_when_many_come_at_once_takes_as_many_as_allowed(self, store: Any) -> None:
        def counted(number: int) -> bool:
            try:
                store.count(AskingLimit("tenant", "contoso", 20), f"k-{number}", NOW)
            except TooMany:
                return False
            return True

        with ThreadPoolExecutor(8) as at_once:
            assert sum(at_once.map(counted, range(40))) == 20


class TestTenants(OnMongoDB, TenantsSuite):
    kind = requests.TenantStore


class TestDeliveries(OnMongoDB, DeliveriesSuite):
    kind = notifications.DeliveryStore


class TestEmailCounts(OnMongoDB, EmailCountsSuite):
    kind = notifications.EmailCountStore


class TestMembers(OnMongoDB, MembersSuite):
    kind = notifications.RecipientStore


class TestRecords(OnMongoDB, RecordsSuite):
    kind = RecordStore


class TestAccounts(OnMongoDB, AccountsSuite):
    kind = accounts.AccountStore


class TestApiTokens(OnMongoDB, ApiTokensSuite):
    kind = accounts.ApiTokenStore


class TestSessions(OnMongoDB, SessionsSuite):
    kind = accounts.SessionStore


class TestFailedAttempts(OnMongoDB, FailedAttemptsSuite):
    kind = accounts.FailedAttemptStore
