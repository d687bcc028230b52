"""Questions of approvers to the engineer. The request goes on expiring until the answer comes, and after it."""

from dataclasses import replace
from typing import Literal

from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.present import Present
from lockbox.contracts.approval.facts import InfoRequested
from lockbox.contracts.approval.operations import RequestInfo
from lockbox.contracts.approval.terms import Note
from lockbox.contracts.events import Changed
from lockbox.contracts.identity import Caller
from lockbox.contracts.request.terms import RequestState
from lockbox.errors import Conflict

MOST_QUESTIONS = 50
MOST_TEXT = 100_000
"""Characters of all questions and answers, after which no question is asked."""


def require_askable(approval: Approval, caller: Caller) -> None:
    """Raise unless the caller could decide on the request now, and may ask one more question."""
    approval.require_pending()
    approval.deliberation.require_eligible(caller)
    text = sum(len(note.text) for note in approval.notes)
    if _count(approval, "question") >= MOST_QUESTIONS or text >= MOST_TEXT:
        message = f"{MOST_QUESTIONS} questions, and {MOST_TEXT} characters, are the most; decide, or let it expire"
        raise Conflict("too_many_questions", message, params={"most": MOST_QUESTIONS})


def ask(approval: Approval, caller: Caller, command: RequestInfo, present: Present) -> Changed[Approval]:
    """Ask the engineer a question before deciding."""
    number = _count(approval, "question") + 1
    note = Note(kind="question", number=number, by=caller.email, at=present.now, text=command.question)
    after = replace(approval, state=RequestState.INFO_REQUESTED, notes=(*approval.notes, note))
    return Changed(after, (InfoRequested(**approval.outcome(), approver=caller.email, question=command.question),))


def require_question(approval: Approval, _caller: Caller) -> None:
    """Raise `Conflict` unless a question waits for the engineer's answer."""
    if approval.state != RequestState.INFO_REQUESTED:
        message = f"this request is {approval.state}: no question waits for an answer"
        raise Conflict("nothing_asked", message, params={"state": approval.state})


def _count(approval: Approval, kind: Literal["question", "answer"]) -> int:
    return sum(note.kind == kind for note in approval.notes)
