from bench.events import messages, requests

from lockbox.contracts.events import read_event


def test_messages_when_published_are_events_that_consumers_can_read() -> None:
    made = [*messages(4), *requests(1)]
    facts = [read_event(message.body).fact().type for message in made]
    assert facts == ["stage_opened", "decision_recorded", "access_granted", "stage_opened", "request_created"]
    assert len({message.id for message in made}) == len(made)
