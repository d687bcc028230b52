"""The log of calls: one line for each, with the id of the web request behind it."""

import time
from dataclasses import dataclass
from typing import Any

import structlog

from lockbox.contracts.identity import Caller

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class CallNote:
    """A call for the log; nothing of its message is logged."""

    method: str
    caller: Caller
    began: float

    def log(self, exc_info: Any) -> None:
        """Log the end of the call, with the code of its error."""
        failed = exc_info[1] if exc_info else None
        log.info(
            "call",
            correlation_id=self.caller.correlation_id,
            method=self.method,
            person=self.caller.email,
            code=getattr(failed, "code", type(failed).__name__) if failed else "ok",
            milliseconds=round((time.monotonic() - self.began) * 1000, 1),
        )
