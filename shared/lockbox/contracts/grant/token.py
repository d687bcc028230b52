"""The signed grant: its claims, and its length, which guards limit."""

from collections.abc import Sequence
from typing import Any

from lockbox.contracts.request.terms import AccessTerms
from lockbox.crypto.jws import LONGEST
from lockbox.crypto.tokens import GRANT_TOKEN, sign
from lockbox.errors import invalid
from lockbox.faults import Expected

SECOND = 1769851800
"""A whole second, with as many digits as any until the year 2286."""
LONGEST_TIME = f"{SECOND}.1234"
"""A text that is as long in JSON as a time to the microsecond; canonical JSON takes ten times as long for a number."""
THUMBPRINT = "x" * 43
UUID = "x" * 36


class Unsigned:
    """A key for measuring: its id and its signatures are as long as real ones."""

    kid = THUMBPRINT

    def sign(self, _data: bytes, /) -> bytes:
        """Return 64 bytes, the length of an Ed25519 signature."""
        return bytes(64)


def claims_of(
    subject: str,
    ids: tuple[str, str],
    tenant: str,
    scope: tuple[Sequence[str], Sequence[str]],
    times: tuple[float, ...],
) -> dict[str, Any]:
    """Return the claims of a signed grant (RFC 7519).

    `ids` are those of the grant and the request, `scope` its resources and actions, `times` issue, start and end.
    A grant that begins at once is valid from the whole second of its issue: libraries that count whole seconds take it
    in that same second.
    """
    (jti, request), (resources, actions), (issued, starts, ends) = ids, scope, times
    return {
        "sub": subject,
        "jti": jti,
        "request": request,
        "tenant": tenant,
        "resources": list(resources),
        "actions": list(actions),
        "iat": int(issued),
        "nbf": starts if starts > issued else int(starts),
        "exp": ends,
    }


def length(terms: AccessTerms, requester: str) -> int:
    """Return the length of the longest signed grant that these terms lead to: bound to a key and a certificate."""
    scope, times = (terms.resources, terms.actions), (SECOND, SECOND, SECOND)
    claims = claims_of(requester, (UUID, UUID), terms.tenant, scope, times)
    claims |= {"nbf": LONGEST_TIME, "exp": LONGEST_TIME, "cnf": {"jkt": THUMBPRINT, "x5t#S256": THUMBPRINT}}
    return len(sign(GRANT_TOKEN, claims, Unsigned()))


def require_acceptable(terms: AccessTerms, requester: str, field: str = "resources") -> None:
    """Raise `Invalid` for terms with a signed grant that is longer than guards accept."""
    found = length(terms, requester)
    if found > LONGEST:
        raise invalid(field, Expected("grant_too_large", most=LONGEST), found)
