"""Access records: `strict`, made before the answer; `buffered`, sent from a spool on disk soon after it."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from lockbox.guard.decision import Decision
from lockbox.guard.portal import FAULTS, PortalClient
from lockbox.ids import new_id
from lockbox.values.limits import LONGEST_ACTION, LONGEST_RESOURCE
from lockbox.values.names import is_tenant
from lockbox.values.timestamps import format_timestamp

RECORD, RECORD_SOME = "/api/v1/access-events", "/api/v1/access-events/batch"

log = logging.getLogger(__name__)

Record = Mapping[str, Any]


class Recorder(Protocol):
    """The place where a guard records attempts."""

    def record(self, attempt: Record) -> bool:
        """Return whether the attempt is on record, or certain to be."""

    def start(self) -> None:
        """Start the work in the background."""

    def stop(self) -> None:
        """Stop the work in the background."""

    def release(self) -> None:
        """Close the files that a forked process has inherited from its parent."""


def is_recordable(decision: Decision) -> bool:
    """Return whether the attempt can stand in a tenant's record: some names are no tenant's, and no grant has them."""
    tenant = decision.attempt.tenant
    return isinstance(tenant, str) and is_tenant(tenant)


def record_of(decision: Decision, at: datetime) -> Record:
    """Return the record of a decision; its new id makes it count once."""
    attempt = decision.attempt
    return {
        "access_id": new_id(),
        "allowed": decision.allowed,
        "reason": decision.reason,
        "tenant": attempt.tenant,
        "resource": _text(attempt.resource, LONGEST_RESOURCE),
        "action": _text(attempt.action, LONGEST_ACTION),
        "grant_id": decision.grant_id,
        "request_id": decision.request_id,
        "engineer": decision.engineer,
        "at": format_timestamp(at),
    }


class Strict:
    """A recorder that returns after the portal has acknowledged the record."""

    def __init__(self, client: PortalClient) -> None:
        self._client = client

    def record(self, attempt: Record) -> bool:
        """Return whether the portal acknowledged the record."""
        try:
            answer = self._client.post(RECORD, attempt)
            return bool(answer["access_id"] == attempt["access_id"])
        except FAULTS as error:
            log.warning("lockbox guard: an attempt is not on record: %r", error)
            return False

    def start(self) -> None:
        """Do nothing: there is no work in the background."""

    def stop(self) -> None:
        """Do nothing: no record waits."""

    def release(self) -> None:
        """Do nothing: no file is open."""


def send_some(client: PortalClient, attempts: Sequence[Record]) -> Mapping[str, str]:
    """Record several attempts, and return the ids of those that can never be, with the reason.

    Raises one of `FAULTS` where the same attempts are to be sent again.
    """
    answer = client.post(RECORD_SOME, {"attempts": list(attempts)})
    return {refused["access_id"]: f"{refused['code']}: {refused['message']}" for refused in answer["refused"]}


def _text(value: object, longest: int) -> str:
    """Return the beginning of a text, without the characters that can't be written as UTF-8."""
    return str(value)[:longest].encode(errors="replace").decode()
