"""One page of a list."""

from dataclasses import dataclass, field

from marshmallow import validate


@dataclass(frozen=True, kw_only=True)
class Page:
    """Which part of a list: `limit` items (1 to 200) after the opaque `cursor` that the part before ended with."""

    cursor: str | None = field(default=None, metadata={"validate": validate.Length(max=512)})
    limit: int = field(
        default=50,
        metadata={"validate": validate.Range(min=1, max=200, error="a whole number from 1 to 200")},
    )
