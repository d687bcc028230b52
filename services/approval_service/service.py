"""The entrypoints of approval_service."""

from approval_service import usecases
from approval_service.settings import signing_key
from approval_service.store import AccessStore, ApprovalStore, PolicyStore
from lockbox.contracts.approval import (
    AccessRecorded,
    ApprovalView,
    CancelRequest,
    CompleteGrant,
    Decide,
    GetApproval,
    GetGrant,
    GetGrantToken,
    GetKeys,
    GetPolicy,
    GrantPage,
    GrantView,
    KeySet,
    ListGrants,
    ListRevocations,
    PolicyView,
    PutPolicy,
    RecordAccess,
    RevocationList,
    RevokeGrant,
    SignedGrant,
)
from lockbox.contracts.events import Cause, Event
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.portal import MemberAdded
from lockbox.contracts.request import RequestCreated
from lockbox.ids import new_id
from lockbox.runtime import operations
from lockbox.runtime.clock import Clock
from lockbox.runtime.health import Health
from lockbox.runtime.rpc import command
from lockbox.runtime.settings import Provided
from lockbox.runtime.stores import Store
from lockbox.runtime.subscription import subscribe
from lockbox.runtime.timing import every


class ApprovalService(operations.Operated):
    """Decides what becomes of requests."""

    name = "approval_service"

    approvals = Store(ApprovalStore)
    policies = Store(PolicyStore)
    accesses = Store(AccessStore)
    signing_key = Provided(signing_key)
    clock = Clock()
    health = Health()

    @subscribe(MemberAdded)
    def on_member_added(self, event: Event, member: MemberAdded) -> None:
        """A tenant is known from its first member on."""
        usecases.welcome_tenant(self.policies, event, member, self.clock.now())

    @subscribe(RequestCreated)
    def on_request_created(self, event: Event, request: RequestCreated) -> None:
        """Begin to decide."""
        usecases.open_approval(self.approvals, self.policies, event, request, self.clock.now())

    @command(Decide)
    def decide(self, caller: Caller, message: Decide) -> ApprovalView:
        """Record a yes or no; which stage's approver the caller must be is for the approval to say."""
        return usecases.decide(self.approvals, caller, message, self.clock.now())

    @command(CancelRequest, Role.ENGINEER)
    def cancel_request(self, caller: Caller, message: CancelRequest) -> ApprovalView:
        """Take an own request back."""
        return usecases.cancel_request(self.approvals, caller, message, self.clock.now())

    @command(GetApproval)
    def get_approval(self, caller: Caller, message: GetApproval) -> ApprovalView:
        """Read the outcome of a request so far."""
        return usecases.get_approval(self.approvals, caller, message)

    @command(ListGrants)
    def list_grants(self, caller: Caller, message: ListGrants) -> GrantPage:
        """List the grants that the caller may see."""
        return usecases.list_grants(self.approvals, caller, message)

    @command(GetGrant)
    def get_grant(self, caller: Caller, message: GetGrant) -> GrantView:
        """Read one grant."""
        return usecases.get_grant(self.approvals, caller, message)

    @command(GetGrantToken, Role.ENGINEER)
    def get_grant_token(self, caller: Caller, message: GetGrantToken) -> SignedGrant:
        """Fetch an own signed grant."""
        return usecases.issue_token(self.approvals, caller, message, self.signing_key, self.clock.now())

    @command(RevokeGrant, Role.VENDOR_APPROVER, Role.CUSTOMER_APPROVER, Role.CUSTOMER_ADMIN)
    def revoke_grant(self, caller: Caller, message: RevokeGrant) -> GrantView:
        """End a live grant now."""
        return usecases.revoke_grant(self.approvals, caller, message, self.clock.now())

    @command(CompleteGrant, Role.ENGINEER)
    def complete_grant(self, caller: Caller, message: CompleteGrant) -> GrantView:
        """Close an own live grant early."""
        return usecases.complete_grant(self.approvals, caller, message, self.clock.now())

    @command(GetPolicy)
    def get_policy(self, caller: Caller, message: GetPolicy) -> PolicyView:
        """Read a tenant's policy."""
        return usecases.get_policy(self.policies, caller, message)

    @command(PutPolicy, Role.CUSTOMER_ADMIN)
    def put_policy(self, caller: Caller, message: PutPolicy) -> PolicyView:
        """Replace the policy of the caller's tenant."""
        return usecases.put_policy(self.policies, caller, message, self.clock.now())

    @command(GetKeys)
    def get_keys(self, caller: Caller, message: GetKeys) -> KeySet:
        """Publish the public keys that grants are signed with."""
        return usecases.get_keys(self.signing_key)

    @command(ListRevocations, Role.ENFORCEMENT_POINT)
    def list_revocations(self, caller: Caller, message: ListRevocations) -> RevocationList:
        """List the grants that somebody ended and whose tokens would still verify."""
        return usecases.list_revocations(self.approvals, self.clock.now())

    @command(RecordAccess, Role.ENFORCEMENT_POINT)
    def record_access(self, caller: Caller, message: RecordAccess) -> AccessRecorded:
        """Put one attempt to use content on record."""
        return usecases.record_access(self.accesses, self.policies, caller, message, self.clock.now())

    @every(interval=0.5)
    def let_time_pass(self) -> None:
        """Expire requests, start and end grants."""
        usecases.advance_due(self.approvals, Cause(self.name, new_id()), self.clock.now())
