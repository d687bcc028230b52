"""Permissions of a reader: each operation is allowed now, or refused for a reason."""

from dataclasses import dataclass, field
from typing import Any

from lockbox.contracts.fields import Flag


@dataclass(frozen=True, kw_only=True)
class Permission:
    """The permission for one operation: allowed now, or the error that the operation would raise.

    `{"allowed": true, "code": null, "message": null, "params": {}}` or, for example,
    `{"allowed": false, "code": "grant_ended", "message": "this grant is REVOKED", "params": {"state": "REVOKED"}}`.
    An operation can still be refused for its own input, such as a digest that is not the one shown.
    """

    allowed: Flag
    code: str | None = None
    message: str | None = None
    params: dict[str, Any] = field(default_factory=dict)


UNKNOWN = Permission(allowed=False, code="request_not_open_yet", message="the request is not open for decisions yet")


@dataclass(frozen=True, kw_only=True)
class Rights:
    """The permissions of one reader, by the name of the operation's method.

    Of a request: `decide`, `request_info`, `provide_info`, `cancel_request`, `use_break_glass`,
    `acknowledge_break_glass`, and those of its grant. Of a grant: `revoke_grant`, `complete_grant`,
    `request_extension`, `get_grant_token`; without a grant they are refused as `grant_not_found`. Empty while the
    service that decides does not know the request yet.
    """

    may: dict[str, Permission] = field(default_factory=dict)

    def permission(self, method: str) -> Permission:
        """Return the permission for an operation; one that is not listed is refused."""
        return self.may.get(method, UNKNOWN)

    def allows(self, method: str) -> bool:
        """Tell whether an operation is allowed now."""
        return self.permission(method).allowed
