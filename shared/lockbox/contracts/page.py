"""One page of a list."""

from dataclasses import dataclass, field

from lockbox.contracts import rules


def some_text(cursor: str) -> None:
    """Raise the violation of an empty cursor, which is the end of no page."""
    if not cursor:
        raise rules.violation("not_a_cursor")


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of a list: `limit` items (1 to 200) after the opaque `cursor` that the page before ended with."""

    cursor: str | None = field(default=None, metadata={"validate": (rules.longest(512), some_text)})
    limit: int = field(
        default=50,
        metadata={"validate": rules.Bounds(1, 200)},
    )
