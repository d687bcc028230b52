"""The agreement of the two services about a request: the one that keeps it and the one that decides on it."""

from lockbox.contracts.approval.views import DecisionDocument, OpenDecision
from lockbox.contracts.request.terms import AccessTerms
from lockbox.values.resources import covers
from portal_service.usecases import RequestDetails

DISAGREEMENT = (
    "The terms that would be decided on differ from those of the request, so nothing can be decided here. Tell the "
    "operators of Lockbox."
)


def agrees(request: RequestDetails) -> bool:
    """Tell whether the open decision is about this request, within its terms, and bound to the terms shown."""
    decision = request.open
    if decision is None:
        return True
    shown = DecisionDocument(
        request_id=request.id,
        tenant=request.tenant,
        requester=request.requester,
        created_at=request.created_at,
        expires_at=decision.ends_at,
        stage=decision.stage,
        extension=decision.extension,
        terms=decision.terms,
        notes=request.notes,
    )
    return shown.digest == decision.digest and _within(decision, request)


def _within(decision: OpenDecision, asked: RequestDetails) -> bool:
    """Tell whether the terms of the decision are those of the request, or less."""
    terms = decision.terms
    same = ("tenant", "service_request", "reason_code", "severity")
    return (
        all(getattr(terms, name) == getattr(asked, name) for name in same)
        and all(any(covers(wide, one) for wide in asked.resources) for one in terms.resources)
        and set(terms.actions) <= set(asked.actions)
        and (decision.extension is not None or _same_access(terms, asked))
    )


def _same_access(terms: AccessTerms, asked: RequestDetails) -> bool:
    later = asked.starts_at is None or (terms.starts_at is not None and terms.starts_at >= asked.starts_at)
    return terms.justification == asked.justification and terms.duration <= asked.duration and later
