"""The use of break-glass, as an approval remembers it."""

from dataclasses import dataclass

from lockbox.contracts.fields import Email, Timestamp


@dataclass(frozen=True, kw_only=True)
class BreakGlassUse:
    """Access asked for by one approver, opened by another, then acknowledged by the customer.

    `comment`, `agreement` and `acknowledgement` are the comments of the three.
    """

    asked_by: Email
    asked_at: Timestamp
    comment: str
    opened_by: Email | None = None
    opened_at: Timestamp | None = None
    agreement: str = ""
    acknowledged_by: Email | None = None
    acknowledged_at: Timestamp | None = None
    acknowledgement: str = ""
