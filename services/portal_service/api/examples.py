"""An example of each operation for the OpenAPI document: the body that is sent, and the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from lockbox.contracts import wire
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
from lockbox.contracts.approval import operations as approval
from lockbox.contracts.approval.views import ApprovalPage, ApprovalView
from lockbox.contracts.audit import ListRecords, RecordPage
from lockbox.contracts.grant import operations as grant
from lockbox.contracts.grant.views import GrantPage, GrantReading, SignedGrant
from lockbox.contracts.keys import ListKeys, RevokeKey, RotateKeys
from lockbox.contracts.ops import (
    CheckTopology,
    DropParked,
    GetOutbox,
    ListParked,
    ParkedContent,
    ParkedCount,
    ParkedResult,
    ReadParked,
    ReplayParked,
)
from lockbox.contracts.policy import operations as policy
from lockbox.contracts.policy.document import Side
from lockbox.contracts.policy.views import Forecast, GroupForecast, PolicyDiff, PolicyDifference, StageForecast
from lockbox.contracts.registry import Operation
from lockbox.contracts.request import operations as request
from lockbox.contracts.request.views import RequestPage, RequestView, TenantList, TenantView
from lockbox.contracts.usage import GetGrantUsage, GetUsage, UsageReport, WithoutGrant
from portal_service.api import samples
from portal_service.api.samples import DIGEST, EVENT_ID, GRANT, GRANT_ID, KID, LATER, NOW, TERMS
from portal_service.ops_fanout import (
    OutboxOverview,
    ParkedOverview,
    ServiceOutbox,
    ServiceTopologyItem,
    TopologyOverview,
)
from portal_service.usecases import RequestDetails


@dataclass(frozen=True)
class Example:
    """The answer of an operation and, where the operation has a body, the body."""

    answer: object
    body: Mapping[str, Any] = field(default_factory=dict)


TOKEN = "eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl"  # noqa: S105 - an example
COMMENT = {"comment": "No longer needed."}
ASKED = wire.encode(TERMS)
DOCUMENT = {name: value for name, value in wire.encode(samples.POLICY).items() if name != "proposal"}
ACCESS = {
    "access_id": EVENT_ID,
    "allowed": True,
    "tenant": "contoso",
    "grant_id": GRANT_ID,
    "request_id": samples.REQUEST_ID,
    "engineer": samples.ENGINEER,
    "resource": "mailbox/alice",
    "action": "read",
    "reason": "granted",
    "at": "2026-01-31T09:45:00.000000Z",
}
READ = GrantReading(**vars(GRANT))
DETAILS = RequestDetails(
    **wire.named(RequestView, samples.REQUEST)
    | {name: value for name, value in vars(samples.READING).items() if name in RequestDetails.__dataclass_fields__}
)
FORECAST = Forecast(
    outcome="decide",
    why=("Approval is required.",),
    rule=None,
    stages=(
        StageForecast(
            name="Customer",
            side=Side.CUSTOMER,
            denials=1,
            groups=(
                GroupForecast(
                    name="Approvers", approvals=1, members=("customer_approver",), eligible=(samples.APPROVER,)
                ),
            ),
        ),
    ),
    duration=TERMS.duration,
    version=1,
)
LIMITS = TenantView(
    tenant="contoso",
    maximum_duration=timedelta(hours=4),
    request_lifetime=timedelta(hours=12),
    default_duration=timedelta(hours=4),
)
REPORT = UsageReport(
    tenant="contoso",
    start=NOW - timedelta(days=30),
    end=NOW,
    grants=1,
    never_used=0,
    without_grant=WithoutGrant(),
    items=(samples.USAGE,),
    next_cursor=None,
)
PARKED_RESULT = ParkedResult(items=(samples.PARKED,), left=0)
JWK = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": KID}
EXAMPLES: Mapping[Operation, Example] = {
    request.CreateRequest: Example(samples.REQUEST, ASKED),
    request.ProvideInfo: Example(samples.REQUEST, {"answer": "The index of the archive, and nothing else."}),
    request.GetRequest: Example(DETAILS),
    request.ListRequests: Example(RequestPage(items=(samples.REQUEST,), next_cursor=None)),
    request.ListTenants: Example(TenantList(items=(LIMITS,))),
    approval.Decide: Example(samples.PENDING, {"decision": "approve", "request_digest": DIGEST, "comment": "Agreed."}),
    approval.RequestInfo: Example(samples.ASKED, {"question": "Which folders have to be read?"}),
    approval.CancelRequest: Example(samples.CANCELLED, COMMENT),
    approval.UseBreakGlass: Example(samples.WANTED, {"comment": "All mail is down."}),
    approval.AcknowledgeBreakGlass: Example(
        ApprovalView(**wire.named(ApprovalView, samples.BROKEN)), {"comment": "Seen."}
    ),
    approval.RequestExtension: Example(
        samples.EXTENDED, {"duration": "PT2H", "justification": "The index is larger than expected."}
    ),
    approval.ListQueue: Example(ApprovalPage(items=(samples.READING,), next_cursor=None)),
    approval.ListBreakGlass: Example(ApprovalPage(items=(samples.BROKEN,), next_cursor=None)),
    grant.RevokeGrant: Example(samples.REVOKED, COMMENT),
    grant.CompleteGrant: Example(samples.COMPLETED, {"comment": "Done."}),
    grant.ListGrants: Example(GrantPage(items=(READ,), next_cursor=None)),
    grant.GetGrant: Example(READ),
    grant.GetGrantToken: Example(SignedGrant(grant_id=GRANT_ID, token=TOKEN)),
    policy.GetPolicy: Example(samples.POLICY),
    policy.PutPolicy: Example(replace(samples.POLICY, version=2), DOCUMENT),
    policy.DiffPolicy: Example(
        PolicyDiff(
            version=1,
            digest=DIGEST,
            differences=(PolicyDifference(path="maximum_duration", before="PT4H", after="PT2H"),),
        ),
        DOCUMENT | {"maximum_duration": "PT2H", "default_duration": "PT2H"},
    ),
    policy.DecidePolicyChange: Example(samples.POLICY, {"decision": "agree", "digest": DIGEST}),
    policy.EvaluatePolicy: Example(FORECAST, {"request": ASKED, "requester": samples.ENGINEER}),
    GetUsage: Example(REPORT),
    GetGrantUsage: Example(samples.USAGE),
    ListRecords: Example(RecordPage(items=(samples.RECORD,), next_cursor=None)),
    GetKeys: Example(KeySet(keys=(JWK,))),
    ListRevocations: Example(RevocationList(as_of=LATER, grant_ids=(GRANT_ID,), revoked_keys=(), keys=DIGEST)),
    RecordAccess: Example(AccessRecorded(access_id=EVENT_ID), ACCESS),
    RecordAccesses: Example(AccessesRecorded(refused=()), {"attempts": [ACCESS]}),
    ListKeys: Example(samples.KEYS),
    RotateKeys: Example(samples.KEYS),
    RevokeKey: Example(samples.KEYS, {"comment": "The device was lost."}),
    ListParked: Example(
        ParkedOverview(queues=(ParkedCount(queue=samples.QUEUE, parked=1),), items=(samples.PARKED,), silent=())
    ),
    ReadParked: Example(ParkedContent(**vars(samples.PARKED), body='{"specversion": "1.0"}', truncated=False)),
    ReplayParked: Example(PARKED_RESULT),
    DropParked: Example(PARKED_RESULT),
    GetOutbox: Example(
        OutboxOverview(
            items=(ServiceOutbox(service="approval_service", waiting=0, oldest_seconds=None, published=1204),),
            silent=(),
        )
    ),
    CheckTopology: Example(
        TopologyOverview(
            items=(ServiceTopologyItem(service="notify_service", kind="queue", name=samples.QUEUE),), silent=()
        )
    ),
}
