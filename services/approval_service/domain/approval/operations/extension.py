"""Extensions: the request for more time while a grant is active, and its outcome. The access goes on meanwhile."""

from dataclasses import replace
from datetime import datetime, timedelta

from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.deliberation import Deliberation
from approval_service.domain.approval.extension import Extension
from approval_service.domain.grant import Grant
from approval_service.domain.policy.hours import Span
from lockbox.contracts.approval.operations import RequestExtension
from lockbox.contracts.approval.terms import Verdict
from lockbox.contracts.events import Changed
from lockbox.contracts.fields import format_duration
from lockbox.contracts.grant.facts import ExtensionDecided, ExtensionRequested
from lockbox.contracts.grant.terms import GrantState
from lockbox.contracts.identity import Caller
from lockbox.errors import Conflict, invalid
from lockbox.faults import Expected


def require_extendable(approval: Approval, _caller: Caller) -> None:
    """Raise unless the grant is active and no extension waits for a decision."""
    grant = approval.granted()
    grant.require_live()
    if grant.state != GrantState.ACTIVE:
        raise Conflict("grant_not_active", "the access has not begun; an extension can be asked for while it is open")
    if approval.extension is not None:
        raise Conflict("extension_pending", "an extension is asked for already")


def request(approval: Approval, _caller: Caller, command: RequestExtension, now: datetime) -> Changed[Approval]:
    """Ask for more time; the stages that decided on the request decide on it."""
    grant, duration = approval.granted(), command.duration
    _require_within_cap(approval, grant, duration)
    approval.require_no_freeze(Span(grant.ends_at, grant.ends_at + duration))
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
        asked_at=now,
        deliberation=Deliberation.on(terms, approval.deliberation.stages),
    )
    fact = ExtensionRequested(
        **grant.about(), number=extension.number, duration=duration, justification=command.justification
    )
    asked = Changed(approval.with_extension(extension), (fact,))
    return asked.then(lambda after: _open_next_stage(after, extension, "", now))


def conclude_stage(
    approval: Approval, extension: Extension, verdict: Verdict, comment: str, now: datetime
) -> Changed[Approval]:
    """Follow a stage's verdict on an extension: open the next stage, give more time, or give none."""
    if verdict == "deny":
        return _conclude(approval, replace(extension, state="DENIED"), approval.granted(), comment)
    return _open_next_stage(approval, extension, comment, now)


def _open_next_stage(approval: Approval, extension: Extension, comment: str, now: datetime) -> Changed[Approval]:
    further = replace(extension, deliberation=extension.deliberation.open_next_stage(now))
    after = approval.with_extension(further)
    if further.deliberation.stage is not None:
        return Changed(after, (after.stage_opened(),))
    grant, duration = approval.granted(), further.deliberation.terms.duration
    approval.require_no_freeze(Span(grant.ends_at, grant.ends_at + duration))
    return _conclude(after, replace(further, state="APPROVED"), grant.extend(duration), comment)


def _conclude(approval: Approval, extension: Extension, grant: Grant, comment: str) -> Changed[Approval]:
    fact = ExtensionDecided(
        **grant.about(),
        number=extension.number,
        outcome="approve" if extension.state == "APPROVED" else "deny",
        ends_at=grant.ends_at,
        comment=comment,
    )
    return Changed(replace(approval.with_extension(extension), grant=grant), (fact,))


def _require_within_cap(approval: Approval, grant: Grant, duration: timedelta) -> None:
    left = approval.limits.maximum_total - (grant.ends_at - grant.starts_at)
    if duration > left:
        beyond = Expected("extension_beyond_cap", most=format_duration(left)) if left else Expected("no_time_left")
        raise invalid("duration", beyond, format_duration(duration), "extension_beyond_cap")
