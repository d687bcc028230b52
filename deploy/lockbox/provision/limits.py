"""Limits at the broker: connections and channels of each user, lengths of queues, and the number of queues.

A service's process has about 30 connections and 60 channels. The limits leave room for a few processes of each
service, and for those that a restart has not yet given up. A user at its limit can't connect again; the others can.

A full queue that must not miss an event refuses what is published: the broker confirms nothing, and the event waits in
its source's outbox. The same holds for retries, parked messages and calls, whose senders keep or refuse them. All other
queues drop their oldest messages: those of questions and answers, which are sent again, and those of other services.
"""

import re
from typing import Any

from lockbox.provision.secrets import SERVICES
from lockbox.runtime.broker.topology import listener_topologies

CONNECTIONS, CHANNELS = 200, 1_000
ADDON_CONNECTIONS, ADDON_CHANNELS = 20, 100
QUEUES = 1_000
LONGEST_BYTES = 512 * 1024 * 1024
CALLS_WAITING = 10_000

COMMANDS = rf"^({'|'.join(SERVICES)})\.commands\.v1$"


def user_limits(connections: int = CONNECTIONS, channels: int = CHANNELS) -> dict[str, int]:
    """Return the limits of one user."""
    return {"max-connections": connections, "max-channels": channels}


def vhost_limits(vhost: str) -> dict[str, Any]:
    """Return the parameter that limits the number of queues."""
    return {"component": "vhost-limits", "vhost": vhost, "name": "limits", "value": {"max-queues": QUEUES}}


def _refusing() -> str:
    """Return the pattern of the queues that lose nothing: of events, retries and parked messages."""
    events = {queue.name for listener in listener_topologies() for queue in listener.own_queues}
    return f"^({'|'.join(map(re.escape, sorted(events)))}|.+\\.commands\\.v1\\.parked)$"


def policies(vhost: str) -> list[dict[str, Any]]:
    """Return the policies that limit every queue; of those that match a name, the one of the highest priority holds."""
    refuse, drop = {"overflow": "reject-publish"}, {"overflow": "drop-head"}
    full = {"max-length-bytes": LONGEST_BYTES}
    return [
        _policy(vhost, "lockbox-calls", COMMANDS, 2, {"max-length": CALLS_WAITING, **refuse}),
        _policy(vhost, "lockbox-events", _refusing(), 1, full | refuse),
        _policy(vhost, "lockbox-others", ".*", 0, full | drop),
    ]


def _policy(vhost: str, name: str, pattern: str, priority: int, definition: dict[str, Any]) -> dict[str, Any]:
    return {
        "vhost": vhost,
        "name": name,
        "pattern": pattern,
        "apply-to": "queues",
        "priority": priority,
        "definition": definition,
    }
