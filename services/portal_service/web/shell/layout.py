"""What every page shows: who is signed in, where one can go, and the words that templates use."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, g, request, url_for
from markupsafe import Markup, escape

from lockbox.contracts import usage
from lockbox.contracts.fields import CONTROL
from lockbox.contracts.identity import CUSTOMER_ROLES, Caller, Role
from lockbox.contracts.policy.document import DECIDING_ROLES
from lockbox.values.timestamps import format_timestamp
from portal_service.edge import caller, edge
from portal_service.web.wording import event_values, history, words

DECIDERS = tuple(role for roles in DECIDING_ROLES.values() for role in roles)
FORECASTERS = (Role.VENDOR_APPROVER, Role.VENDOR_AUDITOR, *CUSTOMER_ROLES)
AUDITORS = (Role.VENDOR_AUDITOR, Role.CUSTOMER_AUDITOR, Role.CUSTOMER_ADMIN)
READERS = (Role.ENGINEER, Role.VENDOR_APPROVER, Role.VENDOR_AUDITOR, *CUSTOMER_ROLES)


@dataclass(frozen=True)
class Place:
    """A place that the navigation leads to."""

    label: str
    icon: str
    endpoint: str

    @property
    def current(self) -> bool:
        """Whether one is there, or below."""
        address = url_for(self.endpoint)
        return request.path == address or request.path.startswith(f"{address}/")


def places(person: Caller) -> list[Place]:
    """Where somebody with these roles has something to see."""
    queue = "My queue" if person.has(Role.ENGINEER, *DECIDERS) else "Overview"
    offered = [
        (True, Place(queue, "inbox", "pages.queue.show_queue")),
        (person.has(*READERS), Place("All requests", "list", "pages.requests.list_requests")),
        (person.has(*READERS), Place("Grants", "key", "pages.grants.list_grants")),
        (True, Place("Settings", "sliders", "pages.policy.show_policy")),
        (person.has(*AUDITORS), Place("Audit trail", "book", "pages.audit.list_records")),
    ]
    return [place for fits, place in offered if fits]


def everywhere() -> dict[str, Any]:
    """What every template has at hand."""
    person = caller() if "identity" in g else None
    known = {"person": person, "places": places(person) if person else [], "now": edge().clock.now()}
    return {**known, "Role": Role, "DECIDERS": DECIDERS, "REPORT_READERS": usage.READERS}


def breakable(text: str, after: str = "/@") -> Markup:
    """A resource, an address or a path, which a narrow column may break after its own separators."""
    return Markup(re.sub(f"([{re.escape(after)}])", r"\1<wbr>", str(escape(text))))  # noqa: S704 - escaped before


def without_nulls(data: Any) -> Any:
    """A document without what is not set."""
    if isinstance(data, Mapping):
        return {name: without_nulls(value) for name, value in data.items() if value is not None}
    return [without_nulls(item) for item in data] if isinstance(data, list) else data


def pretty(data: object, *, sort: bool = True) -> str:
    """JSON for people; characters that could disguise it show as their codes."""
    text = json.dumps(data, indent=2, ensure_ascii=False, sort_keys=sort)
    return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


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
    "pretty": pretty,
    "without_nulls": without_nulls,
    "breakable": breakable,
    "listed": words.listed,
}


def register(app: Flask) -> None:
    """Give the templates their words."""
    app.context_processor(everywhere)
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals["event_line"] = history.line
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
