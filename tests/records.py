"""Records of the audit trail, as MongoDB holds them."""

from lockbox.contracts.events import Event


def key_of(event: Event) -> str:
    """The key of an event's record."""
    return f"{event.source}/{event.id}"
