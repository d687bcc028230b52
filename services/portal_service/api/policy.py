"""Routes of a policy: documents are read as people send them, and a proposal is answered with 202."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from lockbox.contracts.fields import Count, Email, Flag, Timestamp
from lockbox.contracts.policy.document import MOST_STAGES, PolicySettings, StagePlan, at_most
from lockbox.contracts.policy.operations import DiffPolicy, EvaluatePolicy, PutPolicy
from lockbox.contracts.policy.views import PolicyView
from lockbox.contracts.registry import Operation
from lockbox.contracts.request.terms import TermsAsked
from lockbox.errors import invalid
from lockbox.faults import Expected
from portal_service.api.special import Special
from portal_service.edge import edge


@dataclass(frozen=True, kw_only=True)
class PolicyBody(PolicySettings):
    """A policy as people send it: absent settings take their defaults, except `require_approval` and `stages`.

    The other fields of the answer may be sent back as they came. `version` guards against
    the change of another administrator.
    """

    require_approval: Flag = field()
    stages: tuple[StagePlan, ...] = field(metadata=at_most(MOST_STAGES, "stages"))
    version: Count | None = None
    tenant: str | None = None
    changed_at: Any = None
    changed_by: Any = None
    proposal: Any = None


@dataclass(frozen=True, kw_only=True)
class EvaluationBody:
    """A request to try a policy with: the one in force, or `policy`; by which engineer, and when (now)."""

    request: TermsAsked
    requester: Email = field(default=EvaluatePolicy.requester)
    at: Timestamp | None = None
    policy: PolicyBody | None = None


def read_document(body: PolicyBody, path: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a document as it was sent."""
    return {"settings": _settings(body, path["tenant"])}


def read_change(body: PolicyBody, path: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a document as it was sent, and the version that it replaces."""
    return {**read_document(body, path), "version": body.version}


def read_evaluation(body: EvaluationBody, path: Mapping[str, Any]) -> dict[str, Any]:
    """Return the request to try, and the settings to try it with, if there are any."""
    settings = None if body.policy is None else _settings(body.policy, path["tenant"])
    return {"terms": body.request, "requester": body.requester, "at": body.at, "settings": settings}


def put_policy(message: PutPolicy) -> PolicyView | tuple[PolicyView, int]:
    """Replace the policy; answer 202 where a second administrator has to agree."""
    view = edge().call(message)
    return view if view.proposal is None else (view, HTTPStatus.ACCEPTED)


def _settings(body: PolicyBody, tenant: str) -> PolicySettings:
    if body.tenant not in (None, tenant):
        raise invalid("tenant", Expected("other_tenant", tenant=tenant), body.tenant, "invalid_tenant")
    return PolicySettings(**body.settings())


SPECIAL: Mapping[Operation, Special] = {
    PutPolicy: Special(
        respond=put_policy,
        arguments=PolicyBody,
        read=read_change,
        also={HTTPStatus.ACCEPTED: "A second administrator has to agree"},
    ),
    DiffPolicy: Special(arguments=PolicyBody, read=read_document),
    EvaluatePolicy: Special(arguments=EvaluationBody, read=read_evaluation),
}
