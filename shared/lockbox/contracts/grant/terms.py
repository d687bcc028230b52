"""Values of a grant: state, key, certificate."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from lockbox.contracts.fields import TextField
from lockbox.contracts.rules import TextPattern
from lockbox.values import names


class ThumbprintField(TextField):
    """The SHA-256 of a key or a certificate, as base64url."""

    rule = TextPattern(names.THUMBPRINT, "not_a_thumbprint")


Thumbprint = Annotated[str, ThumbprintField]


class GrantState(StrEnum):
    """The state of a grant."""

    SCHEDULED = "SCHEDULED"
    ACTIVE = "ACTIVE"
    COMPLETED = "COMPLETED"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"


LIVE = frozenset({GrantState.SCHEDULED, GrantState.ACTIVE})


OpenedBy = Literal["approval", "policy", "break_glass"]
"""The opener of an access: people of every stage, the tenant's policy by itself, or the vendor in an emergency."""


BoundTo = Literal["key", "certificate"]


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """The key (RFC 9449) or client certificate (RFC 8705) that a signed grant is bound to, by thumbprint."""

    jkt: Thumbprint | None = None
    x5t_s256: Thumbprint | None = None

    def claim(self) -> dict[str, str]:
        """The claim `cnf` (RFC 7800)."""
        named = {"key": "jkt", "certificate": "x5t#S256"}
        return {named[to]: thumbprint for to, thumbprint in self.named()}

    def named(self) -> list[tuple[BoundTo, str]]:
        """Return each thumbprint that is given, with its kind."""
        both: list[tuple[BoundTo, str | None]] = [("key", self.jkt), ("certificate", self.x5t_s256)]
        return [(to, thumbprint) for to, thumbprint in both if thumbprint is not None]
