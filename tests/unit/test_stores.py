"""The fakes keep the promises of the stores that they stand for."""

import pytest
from tests.stores import approval_service, audit_service, notify_service, portal_service, request_service
from tests.unit import fakes
from tests.unit.audit_service.fakes import FakeRecords
from tests.unit.notify_service.fakes import FakeDeliveries, FakeEmailCounts
from tests.unit.notify_service.fakes import FakeMembers as FakeAddressees
from tests.unit.portal_service.fakes import FakeAccounts, FakeApiTokens, FakeFailedAttempts, FakeSessions
from tests.unit.request_service.fakes import FakePaces, FakeRequests, FakeTenants


class TestApprovals(approval_service.ApprovalsSuite):
    @pytest.fixture
    def store(self) -> fakes.FakeApprovals:
        return fakes.FakeApprovals()


class TestPolicies(approval_service.PoliciesSuite):
    @pytest.fixture
    def store(self) -> fakes.FakePolicies:
        return fakes.FakePolicies()


class TestKeyrings(approval_service.KeyringsSuite):
    @pytest.fixture
    def store(self) -> fakes.FakeKeyrings:
        return fakes.FakeKeyrings()


class TestAccesses(approval_service.AccessesSuite):
    @pytest.fixture
    def store(self) -> fakes.FakeAccesses:
        return fakes.FakeAccesses()


class TestEmailCounts(notify_service.EmailCountsSuite):
    @pytest.fixture
    def store(self) -> FakeEmailCounts:
        return FakeEmailCounts()


class TestMembers(approval_service.DirectorySuite):
    @pytest.fixture
    def store(self) -> fakes.FakeDirectory:
        return fakes.FakeDirectory()


class TestRequests(request_service.RequestsSuite):
    @pytest.fixture
    def store(self) -> FakeRequests:
        return FakeRequests()


class TestPaces(request_service.PacesSuite):
    @pytest.fixture
    def store(self) -> FakePaces:
        return FakePaces()


class TestTenants(request_service.TenantsSuite):
    @pytest.fixture
    def store(self) -> FakeTenants:
        return FakeTenants()


class TestDeliveries(notify_service.DeliveriesSuite):
    @pytest.fixture
    def store(self) -> FakeDeliveries:
        return FakeDeliveries()


class TestAddressees(notify_service.MembersSuite):
    @pytest.fixture
    def store(self) -> FakeAddressees:
        return FakeAddressees()


class TestRecords(audit_service.RecordsSuite):
    @pytest.fixture
    def store(self) -> FakeRecords:
        return FakeRecords()


class TestAccounts(portal_service.AccountsSuite):
    @pytest.fixture
    def store(self) -> FakeAccounts:
        return FakeAccounts()


class TestApiTokens(portal_service.ApiTokensSuite):
    @pytest.fixture
    def store(self) -> FakeApiTokens:
        return FakeApiTokens()


class TestSessions(portal_service.SessionsSuite):
    @pytest.fixture
    def store(self) -> FakeSessions:
        return FakeSessions()


class TestFailedAttempts(portal_service.FailedAttemptsSuite):
    @pytest.fixture
    def store(self) -> FakeFailedAttempts:
        return FakeFailedAttempts()
