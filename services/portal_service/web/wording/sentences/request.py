"""Sentences about a request and its answers."""

from lockbox.contracts.request.facts import InfoProvided, RequestCreated
from lockbox.values.scope import named_all
from portal_service.web.wording import words
from portal_service.web.wording.line import Line, Sentences


def _created(fact: RequestCreated, actor: str) -> Line:
    wanted = named_all(fact.resources, len(fact.resources))
    asked = f"{', '.join(fact.actions)} on {wanted}, for {words.spoken(fact.duration)}"
    return Line(f"{actor} asked {fact.tenant} for access: {asked}")


def _answered(fact: InfoProvided, _actor: str) -> Line:
    return Line(f"{fact.requester} answered", fact.answer)


SENTENCES: Sentences = {
    RequestCreated: _created,
    InfoProvided: _answered,
}
