"""Asking for information: an approver's question, and the engineer's answer. The request goes on expiring."""

from dataclasses import replace
from datetime import datetime
from typing import Literal

from approval_service.domain.approval.approval import STAGE_STATE, Approval
from approval_service.domain.approval.deliberation import require_none
from lockbox.contracts.approval.facts import InfoRequested, ReviewResumed
from lockbox.contracts.approval.terms import Note
from lockbox.contracts.events import Changed
from lockbox.contracts.identity import Caller
from lockbox.contracts.request.facts import InfoProvided
from lockbox.contracts.request.terms import RequestState
from lockbox.errors import Conflict

MOST_QUESTIONS = 50


def ask(approval: Approval, caller: Caller, question: str, now: datetime) -> Changed[Approval]:
    """Ask the engineer for more; whoever could decide can."""
    caller.require_sight("request", approval.tenant, approval.requester)
    return approval.advance(now).then(lambda current: _ask(current, caller, question, now))


def receive_answer(approval: Approval, answer: InfoProvided, now: datetime) -> Changed[Approval]:
    """Take the engineer's answer in; one that is known, or comes too late, changes nothing."""
    if answer.number in {note.number for note in approval.notes if note.kind == "answer"}:
        return Changed(approval)
    return approval.advance(now).then(lambda current: _receive(current, answer, now))


def _ask(approval: Approval, caller: Caller, question: str, now: datetime) -> Changed[Approval]:
    approval.require_pending()
    require_none(approval.deliberation.judge(caller, approval.requester).forbidden)
    number = _count(approval, "question") + 1
    if number > MOST_QUESTIONS:
        raise Conflict("too_many_questions", f"{MOST_QUESTIONS} questions were asked; decide, or let it expire")
    note = Note(kind="question", number=number, by=caller.email, at=now, text=question)
    after = replace(approval, state=RequestState.INFO_REQUESTED, notes=(*approval.notes, note))
    return Changed(after, (InfoRequested(**approval.outcome(), approver=caller.email, question=question),))


def _receive(approval: Approval, answer: InfoProvided, now: datetime) -> Changed[Approval]:
    stage = approval.deliberation.stage
    if not approval.pending or stage is None:
        return Changed(approval)
    note = Note(kind="answer", number=answer.number, by=answer.requester, at=now, text=answer.answer)
    after = replace(approval, state=STAGE_STATE[stage.side], notes=(*approval.notes, note))
    fact = ReviewResumed(**approval.outcome(), stage=stage.side, groups=stage.groups, answer=answer.answer)
    return Changed(after, (fact,))


def _count(approval: Approval, kind: Literal["question", "answer"]) -> int:
    return sum(note.kind == kind for note in approval.notes)
