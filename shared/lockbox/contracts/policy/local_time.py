"""Local times of a policy: times of day, time zones, and dates with a time in a zone that is named beside them."""

from datetime import datetime
from typing import Annotated, Any

from lockbox.contracts.fields import TextField
from lockbox.contracts.rules import TextPattern, of_input, violation
from lockbox.values.timestamps import YEARS


class TimeOfDayField(TextField):
    """A time of day, such as `08:00`; `24:00` is the end of the day."""

    rule = TextPattern(r"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)\Z", "not_a_time_of_day")


class TimeZoneField(TextField):
    """The name of a time zone in the IANA database."""

    rule = TextPattern(r"[A-Za-z0-9_+-]{1,32}(?:/[A-Za-z0-9_+-]{1,32}){0,2}\Z", "not_a_time_zone")


@of_input
def in_calendar(local: str) -> None:
    """Raise the violation of a local time that some time zone moves out of the calendar."""
    if int(local[:4]) not in YEARS:
        raise violation("year_out_of_range", first=YEARS[0], last=YEARS[-1])


class LocalTimeField(TextField):
    """A date and a time of day, in a time zone that is named beside it."""

    rule = (TextPattern(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]\Z", "not_a_local_time"), in_calendar)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            datetime.fromisoformat(str(text))
        except ValueError as error:
            raise violation("not_a_local_time") from error
        return text


TimeOfDay = Annotated[str, TimeOfDayField]
TimeZone = Annotated[str, TimeZoneField]
LocalTime = Annotated[str, LocalTimeField]
