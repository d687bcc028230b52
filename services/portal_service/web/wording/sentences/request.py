"""Sentences about a request and its answers."""

from lockbox.contracts.request.facts import InfoProvided, RequestCreated
from portal_service.web.wording import words
from portal_service.web.wording.line import Line, Sentences


def _created(fact: RequestCreated, actor: str) -> Line:
    asked = f"{', '.join(fact.actions)} on {', '.join(fact.resources)}, for {words.spoken(fact.duration)}"
    return Line(f"{actor} asked {fact.tenant} for access: {asked}")


def _answered(fact: InfoProvided, _actor: str) -> Line:
    return Line(f"{fact.requester} answered", fact.answer)


SENTENCES: Sentences = {
    RequestCreated: _created,
    InfoProvided: _answered,
}
