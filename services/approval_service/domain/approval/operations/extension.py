"""Extensions: the request for more time while a grant is active, and its outcome. The access goes on meanwhile."""

from dataclasses import replace
from datetime import timedelta

from approval_service.domain.approval import consent
from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.deliberation import Deliberation
from approval_service.domain.approval.extension import Extension
from approval_service.domain.approval.present import Present
from approval_service.domain.grant import Grant
from approval_service.domain.policy.evaluation import Evaluation
from approval_service.domain.policy.hours import Span
from lockbox.contracts.approval.operations import RequestExtension
from lockbox.contracts.events import Changed
from lockbox.contracts.fields import format_duration
from lockbox.contracts.grant.facts import ExtendedWithoutCustomer, ExtensionDecided, ExtensionRequested
from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.identity import Caller
from lockbox.errors import Conflict, invalid
from lockbox.faults import Expected

MOST_EXTENSIONS = 10
MOST_TEXT = 20_000
"""Characters of the justifications of all extensions of a request."""


def require_extendable(approval: Approval, _caller: Caller) -> None:
    """Raise unless the grant is active, no extension waits for a decision, and there were not too many."""
    grant = approval.granted()
    grant.require_live()
    if grant.state != GrantState.ACTIVE:
        raise Conflict("grant_not_active", "the access has not begun; an extension can be asked for while it is open")
    if approval.extension is not None:
        raise Conflict("extension_pending", "an extension is asked for already")
    if len(approval.extensions) >= MOST_EXTENSIONS or not _text_left(approval):
        message = f"{MOST_EXTENSIONS} extensions, and {MOST_TEXT} characters of text in them, are the most; ask anew"
        raise Conflict("too_many_extensions", message, params={"most": MOST_EXTENSIONS})


def request(approval: Approval, _caller: Caller, command: RequestExtension, present: Present) -> Changed[Approval]:
    """Ask for more time; the stages that decided on the request decide on it, and those that the whole access needs."""
    grant, duration = approval.granted(), command.duration
    _require_within_cap(approval, grant, duration, present)
    _require_short(approval, command.justification)
    terms = replace(
        approval.deliberation.terms,
        duration=duration,
        justification=command.justification,
        starts_at=grant.ends_at,
    )
    extension = Extension(
        number=len(approval.extensions) + 1,
        duration=duration,
        justification=command.justification,
        asked_at=present.now,
        deliberation=Deliberation.on(terms, approval.deliberation.stages),
    )
    fact = ExtensionRequested(
        **grant.about(), number=extension.number, duration=duration, justification=command.justification
    )
    asked = Changed(approval.with_extension(extension), (fact,))
    return asked.then(lambda after: _begin(after, extension, present))


def deny(approval: Approval, extension: Extension, comment: str) -> Changed[Approval]:
    """Give no more time; the access goes on until its end."""
    return _conclude(approval, replace(extension, state="DENIED"), approval.granted(), comment)


def open_next_stage(approval: Approval, extension: Extension, comment: str, present: Present) -> Changed[Approval]:
    """Open the next stage of an extension; after the last one, give more time, if the policy needs no further stage."""
    further = replace(extension, deliberation=extension.deliberation.open_next_stage(present.now))
    after = approval.with_extension(further)
    if further.deliberation.stage is not None:
        return Changed(after, (after.stage_opened(),))
    review = _review(approval, further, present)
    if review.outcome == "deny":
        return deny(approval, further, "; ".join(review.why))
    if review.outcome == "decide":
        return _added(approval, further, review).then(
            lambda one: open_next_stage(one, one.asked_extension(), comment, present)
        )
    return _extend(after, further, comment)


def _begin(approval: Approval, extension: Extension, present: Present) -> Changed[Approval]:
    """Open the first stage, after those that the whole access needs were added; or deny, if the policy denies."""
    review = _review(approval, extension, present)
    if review.outcome == "deny":
        return deny(approval, extension, "; ".join(review.why))
    return _added(approval, extension, review).then(
        lambda after: open_next_stage(after, after.asked_extension(), "", present)
    )


def _review(approval: Approval, extension: Extension, present: Present) -> Evaluation:
    """Evaluate the policy again, for the access from its start to its new end."""
    grant, deliberation = approval.granted(), extension.deliberation
    opening = consent.Opening(
        approval.deliberation.terms,
        approval.requester,
        Span(grant.starts_at, grant.ends_at + deliberation.terms.duration),
        deliberation.stages,
        consent.MoreTime(extension.asked_at, grant.ends_at),
    )
    return consent.review(consent.KeptPolicy(approval.limits, approval.excerpt), opening, present)


def _added(approval: Approval, extension: Extension, review: Evaluation) -> Changed[Approval]:
    if not review.stages:
        return Changed(approval)
    further = replace(extension, deliberation=extension.deliberation.with_stages(review.stages))
    return Changed(approval.with_extension(further), (approval.stages_added(review, extension.number),))


def _extend(approval: Approval, extension: Extension, comment: str) -> Changed[Approval]:
    """Give more time, and put on record if none of the customer's approvers decided on it."""
    terms = extension.deliberation.terms
    extended = approval.granted().extend(terms.duration)
    concluded = _conclude(approval, replace(extension, state="APPROVED"), extended, comment)
    if extension.deliberation.includes_customer:
        return concluded
    fact = ExtendedWithoutCustomer(
        **extended.about(),
        service_request=extended.service_request,
        number=extension.number,
        duration=terms.duration,
        justification=extension.justification,
        resources=extended.resources,
        actions=extended.actions,
        ends_at=extended.ends_at,
    )
    return Changed(concluded.state, (*concluded.facts, fact))


def _conclude(approval: Approval, extension: Extension, grant: Grant, comment: str) -> Changed[Approval]:
    fact = ExtensionDecided(
        **grant.about(),
        number=extension.number,
        outcome="approve" if extension.state == "APPROVED" else "deny",
        ends_at=grant.ends_at,
        comment=comment,
    )
    return Changed(replace(approval.with_extension(extension), grant=grant), (fact,))


def _require_within_cap(approval: Approval, grant: Grant, duration: timedelta, present: Present) -> None:
    """Raise `Invalid` beyond the cap of the policy that the request arrived under, or of the one in force."""
    cap = min(approval.limits.maximum_total, present.policy_of(approval.tenant).maximum_total)
    left = max(timedelta(0), cap - (grant.ends_at - grant.starts_at))
    if duration > left:
        beyond = Expected("extension_beyond_cap", most=format_duration(left)) if left else Expected("no_time_left")
        raise invalid("duration", beyond, format_duration(duration), "extension_beyond_cap")


def _text_left(approval: Approval) -> int:
    return max(0, MOST_TEXT - sum(len(one.justification) for one in approval.extensions))


def _require_short(approval: Approval, justification: str) -> None:
    left = _text_left(approval)
    if len(justification) > left:
        expected = Expected("wrong_length", least=1, most=left)
        raise invalid("justification", expected, justification, "invalid_justification")
