"""What a test build is told: end, or halt, at a point; run without a safety; or by a clock that is wrong."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = "CHAOS_FOLDER"
KILL, HALT, FAIL = "kill", "halt", "fail"
OUTBOX, DEDUPE = "outbox", "dedupe"
CLOCK = "clock"


@dataclass(frozen=True)
class Order:
    """End, or halt for some seconds, when the point is passed for the nth time; or fail there each time."""

    point: str
    nth: int = 1
    act: str = KILL
    seconds: float = 0.0

    def place(self, folder: Path, service: str) -> None:
        """Tell a service's processes; an earlier order is forgotten."""
        (folder / f"{service}.taken").unlink(missing_ok=True)
        partial = folder / f"{service}.partial"
        partial.write_text(json.dumps(asdict(self)))
        partial.rename(folder / f"{service}.order")


def set_clocks(folder: Path, wrong_by: float) -> None:
    """Have the clock of every service go wrong by so many seconds, as a machine's clock would."""
    partial = folder / f"{CLOCK}.partial"
    partial.write_text(str(wrong_by))
    partial.rename(folder / CLOCK)
