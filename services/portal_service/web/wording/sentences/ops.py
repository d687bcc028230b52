"""Sentences about parked messages, which every service has."""

from lockbox.contracts.events import Fact
from lockbox.contracts.ops import (
    BY_SOURCE,
    ParkedMessageDropped,
    ParkedMessageFact,
    ParkedMessageRead,
    ParkedMessageReplayed,
)
from portal_service.web.wording.line import Line, Sentences


def _read(fact: ParkedMessageFact, actor: str) -> Line:
    return Line(f"{actor} read {_message(fact)}")


def _replayed(fact: ParkedMessageFact, actor: str) -> Line:
    return Line(f"{actor} replayed {_message(fact)}")


def _dropped(fact: ParkedMessageFact, actor: str) -> Line:
    return Line(f"{actor} dropped {_message(fact)}", tone="bad")


def _message(fact: ParkedMessageFact) -> str:
    kind = fact.event_type.replace("_", " ") if fact.event_type else "unknown type"
    return f"a parked message ({kind}) of the queue {fact.queue}"


def _of_every_source(kind: type[ParkedMessageFact]) -> list[type[Fact]]:
    return list(BY_SOURCE[kind].values())


SENTENCES: Sentences = {
    **dict.fromkeys(_of_every_source(ParkedMessageRead), _read),
    **dict.fromkeys(_of_every_source(ParkedMessageReplayed), _replayed),
    **dict.fromkeys(_of_every_source(ParkedMessageDropped), _dropped),
}
