"""A yes and a no: what each would lead to, told from the judgement that comes with a request."""

from collections.abc import Mapping
from dataclasses import dataclass

from lockbox.contracts.approval.terms import Verdict
from lockbox.contracts.approval.views import Judgement, Stage
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.document import Side
from lockbox.contracts.request.terms import AccessTerms
from portal_service.usecases import RequestDetails
from portal_service.web.views.matter import Matter, matter_of
from portal_service.web.wording import words
from portal_service.web.wording.refusals import refusal


@dataclass(frozen=True)
class Word:
    """A yes or a no as its page offers it; `done` follows "You"."""

    decision: Verdict
    button: str
    done: str
    tone: str


APPROVE = Word("approve", "Approve", "approved", "good")
REJECT = Word("deny", "Reject", "rejected", "bad")
NOT_OPEN_YET = "The request is not open for decisions yet; open this page again in a moment."
VERDICTS: Mapping[str, Word] = {"approve": APPROVE, "reject": REJECT}


def obstacle(request: RequestDetails) -> str | None:
    """Why this person can't decide now, or None."""
    for objection in request.you.forbidden:
        return refusal(objection.code, objection.message, request.you.permission("decide").params)
    return None if matter_of(request) else NOT_OPEN_YET


def meaning(word: Word, request: RequestDetails, person: Caller) -> str:
    """What a yes or a no leads to."""
    matter = matter_of(request)
    if matter is None:
        return ""
    if word is REJECT:
        return _meaning_of_no(matter, person)
    earlier = matter.word_of(person.email)
    if earlier is not None and earlier.decision == "approve":
        return "Your approval counts already. What you say now takes its place; what it took away stays taken away."
    return _meaning_of_yes(matter, request)


def _meaning_of_no(matter: Matter, person: Caller) -> str:
    others = [word for word in matter.words if word.decision == "deny" and word.approver != person.email]
    missing = matter.stage.denials - len(others) - 1
    if missing > 0:
        return f"{matter.stage.denials} rejections are final in this stage; after yours, it takes {missing} more."
    first = "One rejection is final" if matter.stage.denials == 1 else "With yours, the rejections are final"
    if matter.extension:
        return f"{first}: the access is not extended. It goes on until {words.minute(matter.expires_at)} UTC."
    return f"{first}: the request is denied and gives no access."


def _meaning_of_yes(matter: Matter, request: RequestDetails) -> str:
    missing = _missing_after(request.you)
    if missing > 0:
        return f"After yours, this stage still needs {words.counted(missing, 'approval')}. {_not_yet(matter)}"
    if matter.following is not None:
        return f"{_next(matter.following, matter, request.tenant)} {_not_yet(matter)}"
    if matter.extension:
        ends_at = words.minute(matter.expires_at + matter.terms.duration)
        return f"This is the last approval that is needed. The access then ends at {ends_at} UTC."
    return f"This is the last approval that is needed. {_opening(matter.terms)}"


def _not_yet(matter: Matter) -> str:
    return "The access is not extended yet." if matter.extension else "No access opens yet."


def _missing_after(you: Judgement) -> int:
    """How many approvals a stage needs after this person's, which counts for one."""
    counts = any(missing.group in you.counts_for for missing in you.missing)
    return sum(missing.approvals for missing in you.missing) - counts


def _next(following: Stage, matter: Matter, tenant: str) -> str:
    if following.side == matter.stage.side:
        return f"The stage {following.name} decides next."
    return f"{tenant}'s own approvers decide next." if following.side == Side.CUSTOMER else "The vendor decides next."


def _opening(terms: AccessTerms) -> str:
    """When access opens, and for how long."""
    duration = words.spoken(terms.duration)
    if terms.starts_at is None:
        return f"Access opens at once and ends by itself after {duration}."
    return f"Access opens at {words.minute(terms.starts_at)} UTC and ends by itself {duration} later."
