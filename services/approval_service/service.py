"""The entrypoints of approval_service."""

from approval_service.domain.approval.present import Present
from approval_service.signer.sealed import signer
from approval_service.store import AccessStore, ApprovalStore, DirectoryStore, KeyringStore, PolicyStore
from approval_service.usecases import access, approval, grant, keys, policy
from approval_service.usecases.access import AccessStores
from approval_service.usecases.policy import MemberFact
from lockbox.contracts.access import (
    AccessesRecorded,
    AccessRecorded,
    GetKeys,
    KeySet,
    ListRevocations,
    RecordAccess,
    RecordAccesses,
    RevocationList,
)
from lockbox.contracts.approval.operations import (
    AcknowledgeBreakGlass,
    CancelRequest,
    Decide,
    GetApproval,
    ListBreakGlass,
    ListQueue,
    RequestExtension,
    RequestInfo,
    UseBreakGlass,
)
from lockbox.contracts.approval.views import ApprovalPage, ApprovalReading, ApprovalView
from lockbox.contracts.events import Cause, Event
from lockbox.contracts.grant.operations import CompleteGrant, GetGrant, GetGrantToken, ListGrants, RevokeGrant
from lockbox.contracts.grant.views import GrantPage, GrantReading, GrantView, SignedGrant
from lockbox.contracts.identity import Caller
from lockbox.contracts.keys import KeyList, ListKeys, RevokeKey, RotateKeys
from lockbox.contracts.listeners import MEMBERS
from lockbox.contracts.policy.operations import DecidePolicyChange, DiffPolicy, EvaluatePolicy, GetPolicy, PutPolicy
from lockbox.contracts.policy.views import Forecast, PolicyDiff, PolicyView
from lockbox.contracts.request.facts import InfoProvided, RequestCreated
from lockbox.ids import new_id
from lockbox.runtime.events.subscription import subscribe
from lockbox.runtime.host.clock import ServiceClock
from lockbox.runtime.host.health import HealthServer
from lockbox.runtime.host.settings import Provided
from lockbox.runtime.host.start import on_start
from lockbox.runtime.host.stores import Store
from lockbox.runtime.host.timer import every
from lockbox.runtime.ops import operator
from lockbox.runtime.process.pool import spread
from lockbox.runtime.process.waiting import yield_to_others
from lockbox.runtime.rpc.server import command


class ApprovalService(operator.OperatedService):
    """Decides requests; owns stages, grants, policies and keys."""

    name = "approval_service"

    approvals = Store(ApprovalStore)
    policies = Store(PolicyStore)
    directory = Store(DirectoryStore)
    accesses = Store(AccessStore)
    keyrings = Store(KeyringStore)
    signer = Provided(signer)
    clock = ServiceClock()
    health = HealthServer()

    @on_start()
    def make_first_key(self) -> None:
        """Create the first key that grants are signed with."""
        keys.make_first_key(self.keyrings, self.signer, self._cause(), self.clock.now())

    @subscribe(*MEMBERS)
    def on_member(self, event: Event, fact: MemberFact) -> None:
        """Record a member; a tenant exists from its first member on."""
        policy.learn_member(self.directory, self.policies, event, fact, self.clock.now())

    @subscribe(RequestCreated)
    def on_request_created(self, event: Event, request: RequestCreated) -> None:
        """Open the approval of a request."""
        approval.open_approval(self.approvals, self.policies, event, request, self.clock.now())

    @subscribe(InfoProvided)
    def on_info_provided(self, event: Event, answer: InfoProvided) -> None:
        """Record the engineer's answer and go on deciding."""
        approval.receive_answer(self.approvals, event, answer, self.clock.now())

    @command(Decide)
    def decide(self, caller: Caller, message: Decide) -> ApprovalView:
        """Record a decision."""
        return approval.perform(self.approvals, caller, message, _present(self))

    @command(RequestInfo)
    def request_info(self, caller: Caller, message: RequestInfo) -> ApprovalView:
        """Record a question to the engineer."""
        return approval.perform(self.approvals, caller, message, _present(self))

    @command(CancelRequest)
    def cancel_request(self, caller: Caller, message: CancelRequest) -> ApprovalView:
        """Cancel an own request."""
        return approval.perform(self.approvals, caller, message, _present(self))

    @command(UseBreakGlass)
    def use_break_glass(self, caller: Caller, message: UseBreakGlass) -> ApprovalView:
        """Ask for access at once, or open it as the second approver."""
        return approval.perform(self.approvals, caller, message, _present(self))

    @command(AcknowledgeBreakGlass)
    def acknowledge_break_glass(self, caller: Caller, message: AcknowledgeBreakGlass) -> ApprovalView:
        """Acknowledge access that was opened without the customer."""
        return approval.perform(self.approvals, caller, message, _present(self))

    @command(GetApproval)
    def get_approval(self, caller: Caller, message: GetApproval) -> ApprovalReading:
        """Read the outcome of a request so far."""
        return approval.get_approval(self.approvals, caller, message, _present(self))

    @command(ListQueue)
    def list_queue(self, caller: Caller, message: ListQueue) -> ApprovalPage:
        """List the requests and extensions that wait for the caller's decision."""
        return approval.list_queue(self.approvals, caller, message, self.clock.now())

    @command(ListBreakGlass)
    def list_break_glass(self, caller: Caller, message: ListBreakGlass) -> ApprovalPage:
        """List access that was opened without the customer."""
        return approval.list_break_glass(self.approvals, caller, message, self.clock.now())

    @command(RequestExtension)
    def request_extension(self, caller: Caller, message: RequestExtension) -> ApprovalView:
        """Ask for more time while an own grant is active."""
        return grant.request_extension(self.approvals, caller, message, _present(self))

    @command(ListGrants)
    def list_grants(self, caller: Caller, message: ListGrants) -> GrantPage:
        """List the grants that the caller may see."""
        return grant.list_grants(self.approvals, caller, message, self.clock.now())

    @command(GetGrant)
    def get_grant(self, caller: Caller, message: GetGrant) -> GrantReading:
        """Read one grant."""
        return grant.get_grant(self.approvals, caller, message, self.clock.now())

    @command(GetGrantToken)
    def get_grant_token(self, caller: Caller, message: GetGrantToken) -> SignedGrant:
        """Fetch an own signed grant."""
        key = keys.active_key(self.keyrings, self.signer)
        return grant.get_grant_token(self.approvals, caller, message, key, _present(self))

    @command(RevokeGrant)
    def revoke_grant(self, caller: Caller, message: RevokeGrant) -> GrantView:
        """End a live grant now."""
        return grant.end_grant(self.approvals, caller, message, _present(self))

    @command(CompleteGrant)
    def complete_grant(self, caller: Caller, message: CompleteGrant) -> GrantView:
        """Complete an own live grant before its end."""
        return grant.end_grant(self.approvals, caller, message, _present(self))

    @command(GetPolicy)
    def get_policy(self, caller: Caller, message: GetPolicy) -> PolicyView:
        """Read a tenant's policy."""
        return policy.get_policy(self.policies, caller, message)

    @command(PutPolicy)
    def put_policy(self, caller: Caller, message: PutPolicy) -> PolicyView:
        """Replace the policy of the caller's tenant, or propose to."""
        return policy.put_policy(self.policies, self.directory, caller, message, self.clock.now())

    @command(DiffPolicy)
    def diff_policy(self, caller: Caller, message: DiffPolicy) -> PolicyDiff:
        """List the changes that a policy would make."""
        return policy.diff_policy(self.policies, self.directory, caller, message, yield_to_others)

    @command(DecidePolicyChange)
    def decide_policy_change(self, caller: Caller, message: DecidePolicyChange) -> PolicyView:
        """Agree to a proposed policy, or reject it."""
        return policy.decide_policy_change(self.policies, self.directory, caller, message, self.clock.now())

    @command(EvaluatePolicy)
    def evaluate_policy(self, caller: Caller, message: EvaluatePolicy) -> Forecast:
        """Evaluate a request under a policy."""
        turn = policy.Turn(self.clock.now(), yield_to_others)
        return policy.evaluate_policy(self.policies, self.directory, caller, message, turn)

    @command(GetKeys)
    def get_keys(self, caller: Caller, message: GetKeys) -> KeySet:
        """Publish the public keys that grants are signed with."""
        return keys.get_keys(self.keyrings)

    @command(ListRevocations)
    def list_revocations(self, caller: Caller, message: ListRevocations) -> RevocationList:
        """List the revoked grants that would still verify."""
        return access.list_revocations(self.approvals, self.keyrings, message, self.clock.now())

    @command(RecordAccess)
    def record_access(self, caller: Caller, message: RecordAccess) -> AccessRecorded:
        """Put one access on record."""
        return access.record_access(self._access_stores, caller, message, self.clock.now())

    @command(RecordAccesses)
    def record_accesses(self, caller: Caller, message: RecordAccesses) -> AccessesRecorded:
        """Put several accesses on record."""
        return access.record_accesses(self._access_stores, caller, message, self.clock.now())

    @command(ListKeys)
    def list_keys(self, caller: Caller, message: ListKeys) -> KeyList:
        """List the keys that grants are and were signed with."""
        return keys.list_keys(self.keyrings)

    @command(RotateKeys)
    def rotate_keys(self, caller: Caller, message: RotateKeys) -> KeyList:
        """Sign with a new key from now on."""
        return keys.rotate_keys(self.keyrings, self.signer, caller, message, self.clock.now())

    @command(RevokeKey)
    def revoke_key(self, caller: Caller, message: RevokeKey) -> KeyList:
        """Revoke a key and every grant that it has signed."""
        return keys.revoke_key(self.keyrings, self.signer, caller, message, self.clock.now())

    @every(interval=0.5)
    def let_time_pass(self) -> None:
        """Expire requests, start and end grants."""
        approval.advance_due(self.approvals, self._cause(), self.clock.now(), spread)

    @property
    def _access_stores(self) -> AccessStores:
        return AccessStores(self.accesses, self.approvals, self.policies)

    def _cause(self) -> Cause:
        return Cause(self.name, new_id())


def _present(service: ApprovalService) -> Present:
    return Present(service.clock.now(), policy.in_force(service.policies), yield_to_others)
