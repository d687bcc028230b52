"""`lockbox audit`: the rows of records."""

from lockbox.cli.audit import _event


def test_event_when_its_source_does_not_own_the_type_names_the_source() -> None:
    foreign = {"type": "request_approved", "source": "notify_service", "foreign": True}
    assert _event(foreign) == "request_approved (foreign: notify_service)"
    assert _event(foreign | {"foreign": False}) == "request_approved"
