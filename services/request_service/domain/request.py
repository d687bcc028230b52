"""An access request: its terms, requester and time, and the engineer's answers to questions about it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lockbox.contracts.admission import require_admissible
from lockbox.contracts.events import Changed
from lockbox.contracts.fields import Email, Timestamp, Uuid
from lockbox.contracts.request.facts import InfoProvided, RequestCreated
from lockbox.contracts.request.terms import AccessTerms, RequestState, TermsAsked
from lockbox.contracts.request.views import TenantView
from lockbox.errors import Conflict, invalid
from lockbox.faults import Expected

MOST_ANSWERS = 50


@dataclass(frozen=True, kw_only=True)
class AccessRequest(AccessTerms):
    """A request: its terms, which never change, and the number of answers that the engineer gave since."""

    request_id: Uuid
    requester: Email
    created_at: Timestamp
    expires_at: Timestamp
    answers: int = 0

    def answer(self, text: str, state: RequestState) -> Changed["AccessRequest"]:
        """Answer the approvers' question; raise `Conflict` while there is none."""
        if state != RequestState.INFO_REQUESTED:
            message = f"this request is {state}: no question waits for an answer"
            raise Conflict("nothing_asked", message, params={"state": state})
        if self.answers >= MOST_ANSWERS:
            raise Conflict("too_many_answers", f"{MOST_ANSWERS} answers were given", params={"most": MOST_ANSWERS})
        after = replace(self, answers=self.answers + 1)
        fact = InfoProvided(
            tenant=self.tenant,
            request_id=self.request_id,
            requester=self.requester,
            number=after.answers,
            answer=text,
        )
        return Changed(after, (fact,))


def ask(
    request_id: str, asked: TermsAsked, requester: str, tenant: TenantView | None, now: datetime
) -> Changed[AccessRequest]:
    """Create a request; raise `Invalid` for terms that the tenant's limits, or the rules for all, exclude."""
    if tenant is None:
        raise invalid("tenant", Expected("tenant_unknown"), asked.tenant)
    terms = asked.lasting(tenant.default_duration)
    require_admissible(terms, requester, tenant, now)
    about: dict[str, Any] = {"request_id": request_id, "requester": requester, "created_at": now}
    request = AccessRequest(**terms.within(**about, expires_at=now + tenant.request_lifetime))
    return Changed(request, (RequestCreated(**terms.within(**about)),))
