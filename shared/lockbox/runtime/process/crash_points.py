"""Named points that a process passes on the way of an event, each a place where a crash would hurt most.

`passing` does nothing, and nothing in a service can make it do anything: no setting and no variable is looked at. A
test build replaces it before the service starts, to end or to halt the process at a point (tests/chaos/build.py).
"""

from typing import Literal, get_args

Point = Literal[
    "before_state_write",
    "after_state_write",
    "before_publish",
    "after_publish",
    "after_confirm",
    "before_keep",
    "before_pull",
    "after_pull",
    "before_intake_insert",
    "after_intake_insert",
    "before_ack",
    "after_ack",
]
POINTS: tuple[Point, ...] = get_args(Point)


def passing(point: Point) -> None:
    """Mark a crash point; tests replace this function."""
