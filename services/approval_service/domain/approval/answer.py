"""Answers of the engineer to questions of approvers, as request_service reports them."""

from dataclasses import replace
from datetime import datetime

from approval_service.domain.approval.approval import STAGE_STATE, Approval
from lockbox.contracts.approval.facts import ReviewResumed
from lockbox.contracts.approval.terms import Note
from lockbox.contracts.events import Changed
from lockbox.contracts.request.facts import InfoProvided


def receive(approval: Approval, answer: InfoProvided, now: datetime) -> Changed[Approval]:
    """Note the engineer's answer; one that is known, or comes too late, changes nothing."""
    if answer.number in {note.number for note in approval.notes if note.kind == "answer"}:
        return Changed(approval)
    return approval.advance(now).then(lambda current: _note(current, answer, now))


def _note(approval: Approval, answer: InfoProvided, now: datetime) -> Changed[Approval]:
    stage = approval.deliberation.stage
    if not approval.pending or stage is None:
        return Changed(approval)
    note = Note(kind="answer", number=answer.number, by=answer.requester, at=now, text=answer.answer)
    after = replace(approval, state=STAGE_STATE[stage.side], notes=(*approval.notes, note))
    fact = ReviewResumed(**approval.outcome(), stage=stage.side, groups=stage.groups, answer=answer.answer)
    return Changed(after, (fact,))
