"""A grant: the resources, actions and time that a yes opens."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid5

from lockbox.contracts.events import EVENT_IDS, Changed
from lockbox.contracts.fields import Action, Email, Resource, TenantName, Timestamp, Uuid
from lockbox.contracts.grant.facts import (
    AccessGranted,
    GrantActivated,
    GrantBound,
    GrantCompleted,
    GrantExpired,
    GrantRevoked,
)
from lockbox.contracts.grant.terms import LIVE, Confirmation, GrantState, OpenedBy, Thumbprint
from lockbox.contracts.grant.token import claims_of
from lockbox.contracts.request.terms import AccessTerms
from lockbox.errors import Conflict

MOST_KEYS = 20


def grant_id_of(request_id: str) -> str:
    """Return the id of the one grant that a request can lead to."""
    return str(uuid5(EVENT_IDS, f"grant/{request_id}"))


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A grant and its states: SCHEDULED, ACTIVE, then EXPIRED by itself, or COMPLETED or REVOKED before its time.

    `bound_to`: the thumbprints of the keys and certificates that its engineer fetched it for.
    """

    id: Uuid
    request_id: Uuid
    tenant: TenantName
    requester: Email
    service_request: str
    resources: tuple[Resource, ...]
    actions: tuple[Action, ...]
    state: GrantState
    granted_at: Timestamp
    starts_at: Timestamp
    ends_at: Timestamp
    opened_by: OpenedBy = "approval"
    ended_at: Timestamp | None = None
    ended_by: str | None = None
    comment: str = ""
    bound_to: tuple[Thumbprint, ...] = ()

    @classmethod
    def of(cls, request_id: str, requester: str, terms: AccessTerms, opened_by: OpenedBy, now: datetime) -> "Grant":
        """Return the grant that a yes at `now` gives; its duration counts from then or from its scheduled start."""
        starts_at = max(now, terms.starts_at or now)
        return cls(
            id=grant_id_of(request_id),
            request_id=request_id,
            tenant=terms.tenant,
            requester=requester,
            service_request=terms.service_request,
            resources=terms.resources,
            actions=terms.actions,
            state=GrantState.SCHEDULED,
            granted_at=now,
            starts_at=starts_at,
            ends_at=starts_at + terms.duration,
            opened_by=opened_by,
        )

    def announce(self, terms: AccessTerms, *, approval_required: bool) -> AccessGranted:
        """Return the fact that this grant exists."""
        return AccessGranted(
            **self.about(),
            service_request=self.service_request,
            reason_code=terms.reason_code,
            justification=terms.justification,
            resources=self.resources,
            actions=self.actions,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            approval_required=approval_required,
            opened_by=self.opened_by,
        )

    @property
    def live(self) -> bool:
        """Whether it can be used, now or later."""
        return self.state in LIVE

    def advance(self, now: datetime) -> "Changed[Grant]":
        """Start it, or let it expire, if its time has come by `now`."""
        if self.state == GrantState.SCHEDULED and now >= self.starts_at:
            active = replace(self, state=GrantState.ACTIVE)
            return Changed(active, (GrantActivated(**self.about()),)).then(lambda grant: grant.advance(now))
        if self.state == GrantState.ACTIVE and now >= self.ends_at:
            expired = replace(self, state=GrantState.EXPIRED, ended_at=self.ends_at, ended_by="approval_service")
            return Changed(expired, (GrantExpired(**self.about()),))
        return Changed(self)

    def revoke(self, by: str, comment: str, now: datetime) -> "Changed[Grant]":
        """End it now; raises `Conflict` if it has ended already."""
        revoked = self._ended(GrantState.REVOKED, by, comment, now)
        return Changed(revoked, (GrantRevoked(**self.about(), comment=comment),))

    def complete(self, comment: str, now: datetime) -> "Changed[Grant]":
        """End it now, as its engineer is done; raises `Conflict` if it has ended already."""
        completed = self._ended(GrantState.COMPLETED, self.requester, comment, now)
        return Changed(completed, (GrantCompleted(**self.about(), comment=comment),))

    def bind(self, confirmation: Confirmation) -> "Changed[Grant]":
        """Note the key or certificate that it is fetched for, once each; raises `Conflict` if it has ended."""
        self.require_live()
        new = [(to, thumbprint) for to, thumbprint in confirmation.named() if thumbprint not in self.bound_to]
        if len(self.bound_to) + len(new) > MOST_KEYS:
            raise Conflict(
                "too_many_keys", f"this grant was fetched for {MOST_KEYS} keys already", params={"most": MOST_KEYS}
            )
        bound = replace(self, bound_to=(*self.bound_to, *(thumbprint for _, thumbprint in new)))
        return Changed(bound, tuple(GrantBound(**self.about(), to=to, thumbprint=thumbprint) for to, thumbprint in new))

    def extend(self, duration: timedelta) -> "Grant":
        """Return the grant with a later end."""
        return replace(self, ends_at=self.ends_at + duration)

    def require_live(self) -> None:
        """Raise `Conflict` if it has ended."""
        if not self.live:
            raise Conflict("grant_ended", f"this grant is {self.state}", params={"state": self.state})

    def claims(self) -> dict[str, Any]:
        """Return the claims of the signed grant (RFC 7519): `sub` is the engineer, `jti` the grant."""
        scope, times = (self.resources, self.actions), (self.granted_at, self.starts_at, self.ends_at)
        return claims_of(
            self.requester, (self.id, self.request_id), self.tenant, scope, tuple(time.timestamp() for time in times)
        )

    def _ended(self, state: GrantState, by: str, comment: str, now: datetime) -> "Grant":
        self.require_live()
        return replace(self, state=state, ended_at=now, ended_by=by, comment=comment)

    def about(self) -> dict[str, Any]:
        """Return the fields that every fact about it has."""
        return {
            "tenant": self.tenant,
            "grant_id": self.id,
            "request_id": self.request_id,
            "requester": self.requester,
        }
