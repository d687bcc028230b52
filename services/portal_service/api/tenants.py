"""`/tenants/{tenant}`: policy, break-glass report and audit trail."""

from dataclasses import dataclass, field
from typing import Any, Literal

from lockbox.contracts import wire
from lockbox.contracts.approval.operations import ListBreakGlass
from lockbox.contracts.approval.views import ApprovalPage
from lockbox.contracts.audit import ListRecords, RecordPage, RecordQuery
from lockbox.contracts.fields import Comment, Count, Email, Flag, Timestamp
from lockbox.contracts.page import Page
from lockbox.contracts.policy.document import MOST_STAGES, PolicySettings, StagePlan, at_most
from lockbox.contracts.policy.operations import DecidePolicyChange, DiffPolicy, EvaluatePolicy, GetPolicy, PutPolicy
from lockbox.contracts.policy.views import Forecast, PolicyDiff, PolicyView
from lockbox.contracts.request.terms import TermsAsked
from lockbox.errors import Invalid, NotFound, invalid
from lockbox.faults import Expected
from portal_service.api.blueprint import Blueprint, signed_in
from portal_service.edge import edge, idempotency_key

ACCEPTED = 202

blueprint = Blueprint("tenants", __name__, url_prefix="/api/v1/tenants", description="Tenants")


@dataclass(frozen=True, kw_only=True)
class PolicyBody(PolicySettings):
    """The settings, whole: what is left out is the default, but whether approval is required and in which stages.

    What else a policy shows may be sent back as it came. `version` guards against a change that somebody else made.
    """

    require_approval: Flag = field()
    stages: tuple[StagePlan, ...] = field(metadata=at_most(MOST_STAGES, "stages"))
    version: Count | None = None
    tenant: str | None = None
    changed_at: Any = None
    changed_by: Any = None
    proposal: Any = None


@dataclass(frozen=True, kw_only=True)
class ProposalBody:
    """What an administrator says to a proposed policy, by its digest."""

    decision: Literal["agree", "reject"]
    digest: str
    comment: Comment = ""


@dataclass(frozen=True, kw_only=True)
class EvaluationBody:
    """A request to try a policy with: the one in force, or `policy`; by whom, and when (now)."""

    request: TermsAsked
    requester: Email = field(default=EvaluatePolicy.requester)
    at: Timestamp | None = None
    policy: PolicyBody | None = None


@dataclass(frozen=True, kw_only=True)
class BreakGlassQuery(Page):
    """Which of the access that was opened without the customer."""

    acknowledged: bool | None = None


@blueprint.route("/<tenant>/policy", methods=["GET"])
@signed_in
@blueprint.response(200, wire.schema(PolicyView))
def get_policy(tenant: str) -> PolicyView:
    """Read a tenant's policy."""
    return edge().call(GetPolicy(tenant=tenant_name(tenant)))


@blueprint.route("/<tenant>/policy", methods=["PUT"])
@signed_in
@blueprint.arguments(wire.schema(PolicyBody))
@blueprint.response(200, wire.schema(PolicyView))
@blueprint.alt_response(202, schema=wire.schema(PolicyView), description="A second administrator has to agree")
def put_policy(body: PolicyBody, tenant: str) -> PolicyView | tuple[PolicyView, int]:
    """Replace a tenant's policy; under four eyes, propose to, which is answered with 202."""
    message = PutPolicy(
        tenant=tenant_name(tenant),
        settings=_settings(body, tenant),
        version=body.version,
        idempotency_key=idempotency_key(),
    )
    view = edge().call(message)
    return view if view.proposal is None else (view, ACCEPTED)


@blueprint.route("/<tenant>/policy/diff", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(PolicyBody))
@blueprint.response(200, wire.schema(PolicyDiff))
def diff_policy(body: PolicyBody, tenant: str) -> PolicyDiff:
    """Check a policy whole, and say what it would change; nothing is changed."""
    return edge().call(DiffPolicy(tenant=tenant_name(tenant), settings=_settings(body, tenant)))


@blueprint.route("/<tenant>/policy/proposal", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(ProposalBody))
@blueprint.response(200, wire.schema(PolicyView))
def decide_policy_change(body: ProposalBody, tenant: str) -> PolicyView:
    """Agree to a proposed policy, as another administrator, or reject it."""
    message = DecidePolicyChange(
        tenant=tenant_name(tenant),
        digest=body.digest,
        decision=body.decision,
        comment=body.comment,
        idempotency_key=idempotency_key(),
    )
    return edge().call(message)


@blueprint.route("/<tenant>/policy/evaluate", methods=["POST"])
@signed_in
@blueprint.arguments(wire.schema(EvaluationBody))
@blueprint.response(200, wire.schema(Forecast))
def evaluate_policy(body: EvaluationBody, tenant: str) -> Forecast:
    """Say what would happen to a request: which stages, who could decide, what would happen by itself, and why."""
    message = EvaluatePolicy(
        tenant=tenant_name(tenant),
        terms=body.request,
        requester=body.requester,
        at=body.at,
        settings=None if body.policy is None else _settings(body.policy, tenant),
    )
    return edge().call(message)


@blueprint.route("/<tenant>/break-glass", methods=["GET"])
@signed_in
@blueprint.arguments(wire.schema(BreakGlassQuery), location="query")
@blueprint.response(200, wire.schema(ApprovalPage))
def list_break_glass(query: BreakGlassQuery, tenant: str) -> ApprovalPage:
    """List access that was opened without the customer, newest first."""
    return edge().call(ListBreakGlass(tenant=tenant_name(tenant), **wire.named(BreakGlassQuery, query)))


@blueprint.route("/<tenant>/audit", methods=["GET"])
@signed_in
@blueprint.arguments(wire.schema(RecordQuery), location="query")
@blueprint.response(200, wire.schema(RecordPage))
def list_records(query: RecordQuery, tenant: str) -> RecordPage:
    """Read a tenant's audit trail, in order."""
    return edge().call(ListRecords(tenant=tenant_name(tenant), **wire.named(RecordQuery, query)))


def _settings(body: PolicyBody, tenant: str) -> PolicySettings:
    if body.tenant not in (None, tenant):
        raise invalid("tenant", Expected("other_tenant", tenant=tenant), body.tenant, "invalid_tenant")
    return PolicySettings(**body.settings())


def tenant_name(text: str) -> str:
    """A name that no tenant can have is a tenant that does not exist."""
    try:
        return wire.decode(GetPolicy, {"tenant": text}).tenant
    except Invalid as error:
        raise NotFound("tenant_not_found", "there is no such tenant") from error
