"""Parameters of faults and refusals as people read them: `{most:duration}` in a text becomes `4 hours`."""

from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any

from lockbox.contracts.fields import parse_duration
from lockbox.values.timestamps import parse_timestamp
from portal_service.web.wording import words


class _Parameters(Formatter):
    """Formats each parameter by its kind; one of no kind stands as it is."""

    def format_field(self, value: Any, format_spec: str) -> str:
        """Return one parameter as text."""
        return KINDS[format_spec](value) if format_spec else str(value)


def filled(text: str, params: Mapping[str, Any]) -> str | None:
    """Return a text with its parameters; None if one is missing or unreadable, as in errors of earlier versions."""
    try:
        return _PARAMETERS.vformat(text, (), params)
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def _duration(text: str) -> str:
    return words.spoken(parse_duration(text))


def _moment(text: str) -> str:
    return f"{words.moment(parse_timestamp(text))} UTC"


def _roles(roles: list[str]) -> str:
    return " or ".join(words.plain(role).lower() for role in roles)


def _listed(names: list[str]) -> str:
    return ", ".join(names)


def _switch(on: bool) -> str:
    return "on" if on else "off"


KINDS: Mapping[str, Callable[[Any], str]] = {
    "duration": _duration,
    "moment": _moment,
    "roles": _roles,
    "list": _listed,
    "switch": _switch,
    "state": lambda code: words.state(code).lower(),
    "side": words.side,
    "setting": lambda name: words.label(name).lower(),
}
_PARAMETERS = _Parameters()
