"""Time zones of the IANA database, by name."""

from functools import cache
from zoneinfo import available_timezones

NOT_OF_A_PLACE = frozenset({"Factory", "localtime", "posixrules"})
"""Files among the time zones that are the setting of one machine, or of none."""


def is_time_zone(name: str) -> bool:
    """Return whether the name is a time zone's that is the same on every machine."""
    return name in _known()


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones()) - NOT_OF_A_PLACE
