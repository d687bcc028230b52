"""How a guard puts attempts on record: `strict`, before the answer; `buffered`, from a spool on disk, soon after."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import httpx

from lockbox import clock
from lockbox.guard.decision import Decision
from lockbox.ids import new_id
from lockbox.values.limits import LONGEST_ACTION, LONGEST_RESOURCE
from lockbox.values.names import is_tenant
from lockbox.values.timestamps import format_timestamp

RECORD, RECORD_SOME = "/api/v1/access-events", "/api/v1/access-events/batch"
FAULTS = (httpx.HTTPError, KeyError, TypeError, ValueError, RuntimeError)

log = logging.getLogger(__name__)

Record = Mapping[str, Any]


class Recorder(Protocol):
    """Where attempts are put on record."""

    def record(self, attempt: Record) -> bool:
        """Whether the attempt is on record, or certain to be."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End."""

    def let_go(self) -> None:
        """Hold nothing any more that a process has from the one that it was forked from."""


def is_recordable(decision: Decision) -> bool:
    """Whether there can be anybody in whose record it stands: some names are no tenant's, and no grant allows them."""
    tenant = decision.attempt.tenant
    return isinstance(tenant, str) and is_tenant(tenant)


def record_of(decision: Decision) -> Record:
    """A decision as it is put on record; its id makes it count once."""
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
        "at": format_timestamp(clock.now()),
    }


class Strict:
    """An attempt is on record when the portal has taken it, and not before."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def record(self, attempt: Record) -> bool:
        """Whether the portal took it, and said so."""
        try:
            answer = self._client.post(RECORD, json=attempt).raise_for_status()
            return bool(answer.json()["access_id"] == attempt["access_id"])
        except FAULTS as error:
            log.warning("lockbox guard: an attempt is not on record: %r", error)
            return False

    def start(self) -> None:
        """Nothing goes on in between."""

    def stop(self) -> None:
        """Nothing is left."""

    def let_go(self) -> None:
        """Nothing is held."""


def send_some(client: httpx.Client, attempts: Sequence[Record]) -> Mapping[str, str]:
    """Put several on record; the ids of those that can never be, with the reason. Raises `FAULTS` to be tried again."""
    answer = client.post(RECORD_SOME, json={"attempts": list(attempts)}).raise_for_status()
    return {refused["access_id"]: f"{refused['code']}: {refused['message']}" for refused in answer.json()["refused"]}


def _text(value: object, longest: int) -> str:
    """The beginning of a text, without what can't be written as UTF-8."""
    return str(value)[:longest].encode(errors="replace").decode()
