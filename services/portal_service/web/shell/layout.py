"""The layout of every page: the signed-in person, the navigation, and the filters that templates use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Flask, g, request, url_for

from lockbox.contracts.approval.operations import Decide
from lockbox.contracts.audit import ListRecords
from lockbox.contracts.identity import Caller
from lockbox.contracts.policy.operations import GetPolicy
from lockbox.contracts.request.operations import CreateRequest
from lockbox.values import scope
from lockbox.values.resources import is_pattern
from lockbox.values.timestamps import format_timestamp
from portal_service.edge import caller, edge
from portal_service.web.shell.permission import may_use, sees_requests
from portal_service.web.wording import display, event_values, history, words


@dataclass(frozen=True)
class Place:
    """A place that the navigation leads to."""

    label: str
    icon: str
    endpoint: str

    @property
    def current(self) -> bool:
        """Tell whether the page has this path, or one below it."""
        address = url_for(self.endpoint)
        return request.path == address or request.path.startswith(f"{address}/")


def places(person: Caller) -> list[Place]:
    """Return the places where this person has something to see, by the roles of the operations that they use."""
    queue = "My queue" if CreateRequest.admits(person) or Decide.admits(person) else "Overview"
    reads = sees_requests(person)
    offered = [
        (True, Place(queue, "inbox", "pages.queue.show_queue")),
        (reads, Place("All requests", "list", "pages.requests.list_requests")),
        (reads, Place("Grants", "key", "pages.grants.list_grants")),
        (GetPolicy.admits(person), Place("Settings", "sliders", "pages.policy.show_policy")),
        (ListRecords.admits(person), Place("Audit trail", "book", "pages.audit.list_records")),
    ]
    return [place for fits, place in offered if fits]


def context() -> dict[str, Any]:
    """Return the variables of every template; `may_use(method)` tells whether the person's roles allow an operation."""
    shared: dict[str, Any] = {"person": None, "now": edge().clock.now()}
    if "identity" not in g:
        return shared
    person = caller()
    return shared | {"person": person, "places": places(person), "may_use": partial(may_use, person)}


FILTERS: Mapping[str, Callable[..., Any]] = {
    "state": words.state,
    "tone": words.tone,
    "reason_words": words.reason,
    "side": words.side,
    "opened": words.opened,
    "member": words.member,
    "organisation": words.organisation,
    "plain": words.plain,
    "label": words.label,
    "iso": format_timestamp,
    "moment": words.moment,
    "minute": words.minute,
    "spoken": words.spoken,
    "compact": words.compact,
    "remaining": words.remaining,
    "spoken_within": words.spoken_within,
    "counted": words.counted,
    "person": event_values.person,
    "pretty": display.pretty,
    "without_nulls": display.without_nulls,
    "breakable": display.breakable,
    "listed": words.listed,
    "scope": scope.scope,
    "meaning": scope.meaning,
    "wide_first": scope.wide_first,
}


def register(app: Flask) -> None:
    """Register the variables and filters of the templates."""
    app.context_processor(context)
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals["event_line"] = history.line
    app.jinja_env.globals["foreign_line"] = history.foreign_line
    app.jinja_env.tests |= {"pattern": is_pattern, "changing": scope.changes}
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
