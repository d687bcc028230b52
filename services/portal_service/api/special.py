"""The parts of a route that do not follow from the declaration of its operation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lockbox.contracts.calls import Call
from portal_service.api.messages import Read
from portal_service.edge import edge

NEVER_KEPT = {"Cache-Control": "no-store"}


def send(message: Call[Any]) -> Any:
    """Send the message and return the answer of the service."""
    return edge().call(message)


def send_uncached(message: Call[Any]) -> tuple[Any, dict[str, str]]:
    """Send the message and return the answer, which no cache may keep."""
    return edge().call(message), NEVER_KEPT


@dataclass(frozen=True, kw_only=True)
class Special:
    """The parts of a route that do not follow from the declaration.

    `respond` gives the answer to a message, `answer` is the message class of the answer. `arguments` is the message
    class of body or query, and `read` makes the operation's fields of it. `also` are further statuses of success.
    """

    respond: Callable[[Any], Any] = send
    answer: type | None = None
    arguments: type | None = None
    read: Read | None = None
    also: Mapping[int, str] = field(default_factory=dict)
