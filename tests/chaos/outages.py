"""Faults of what lies between the services: the network, the broker's alarms, and nodes of a cluster."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
from kombu import Connection

from lockbox.contracts.listeners import INTAKE_QUEUE
from lockbox.embedded.stack import Stack
from lockbox.provision.secrets import ADMIN
from tests.chaos.arena import Arena
from tests.chaos.cluster import Cluster
from tests.chaos.network import alarm, all_clear, ctl, kill_broker
from tests.chaos.orders import HALT, Order
from tests.chaos.report import Row
from tests.fail_points import failing_commands
from tests.load import CREATE, Story
from tests.people import TERMS, new_key
from tests.waiting import eventually

ANSWERED_WITHIN = 15.0
HELD_SECONDS = 3.0
VISITS = 15
"""Connections that services make to look at their queues, and close again."""

ABSENT = ("approval_service", "notify_service", "audit_service")


def broken(arena: Arena, row: Row, seconds: float, begin: Callable[[], object], end: Callable[[], object]) -> None:
    """(11, 14) Something is broken for a while; every command is answered in time meanwhile, if only by a refusal."""
    begin()
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            ask(arena, arena.probes.begin(), new_key())
    finally:
        end()
    recovers(arena, row)


def alarmed(arena: Arena, row: Row, servers: Stack, kind: str, seconds: float) -> None:
    """(14) The broker is out of memory, or its disk is full: it is said so, and no connection is added."""

    def end() -> None:
        eventually(lambda: "broker_blocked" in arena.missing("portal_service"))
        grown = _connections(servers) - before
        all_clear(servers, kind)
        assert grown <= VISITS, f"{grown} connections more at the end of the alarm"

    before = _connections(servers)
    broken(arena, row, seconds, lambda: alarm(servers, kind), end)


def refused(arena: Arena, row: Row, error: str, seconds: float) -> None:
    """MongoDB refuses every write: commands are refused, messages are held, and none is parked."""
    with ExitStack() as refusal:
        broken(arena, row, seconds, lambda: refusal.enter_context(failing_commands(arena.mongo, error)), refusal.close)


def unheard(arena: Arena, row: Row, servers: Stack) -> None:
    """(13) Events are published when the queues of those who must not miss them don't exist."""
    with arena.load.paused():
        eventually(lambda: not arena.oracle.look(), within=60)
        arena.control("stop", *ABSENT)
        try:
            _publish_unheard(arena, servers)
        finally:
            arena.control("start", *ABSENT)
    recovers(arena, row)


def _publish_unheard(arena: Arena, servers: Stack) -> None:
    with Connection(servers.servers.broker_uri(ADMIN, servers.secrets.broker)) as connection:
        for queue in ctl(servers, "list_queues", "name").split():
            if queue.startswith(ABSENT):
                connection.default_channel.queue_delete(queue)
    arena.control("restart", "request_service")  # its connection is from when there were queues
    eventually(lambda: arena.ready("request_service"), within=90)
    answer = ask(arena, arena.probes.begin(), new_key())
    assert answer == 201, f"nobody listens, and the command is answered {answer}"
    eventually(lambda: arena.oracle.look().waiting)


def restarted_in_a_call(arena: Arena, row: Row, servers: Stack) -> None:
    """(15) The broker dies while a call is carried out: an answer in time, and the same key again changes nothing."""
    story, key = arena.probes.begin(), new_key()
    Order("before_state_write", act=HALT, seconds=HELD_SECONDS).place(arena.folder, "request_service")
    eventually(lambda: arena.taken("request_service"), within=60)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ask, arena, story, key)
        kill_broker(servers)
        started = time.monotonic()
        assert asking.result() in (201, 503)
    eventually(lambda: ask(arena, story, key) == 201, within=60)
    eventually(lambda: ask(arena, story, key) == 201, within=60)
    row.kills["rabbitmq"] += 1
    recovers(arena, row, started)


def leader_killed(arena: Arena, row: Row, cluster: Cluster, queue: str = INTAKE_QUEUE) -> None:
    """The node that leads a quorum queue, and that services are connected to, is killed."""
    _node_killed(arena, row, cluster, cluster.leader_of(queue))


def primary_killed(arena: Arena, row: Row, cluster: Cluster) -> None:
    """The primary of the replica set is killed."""
    _node_killed(arena, row, cluster, cluster.primary())


def _node_killed(arena: Arena, row: Row, cluster: Cluster, program: str) -> None:
    arena.load.proceed(arena.random.randint(3, 12))
    cluster.kill(program)
    row.kills[program.partition("-")[0]] += 1
    recovers(arena, row)
    eventually(cluster.complete, within=120)


def recovers(arena: Arena, row: Row, since: float | None = None) -> None:
    """Note how long it takes until all works again."""
    started = time.monotonic() if since is None else since
    arena.recovered(before={})
    row.recoveries.append(time.monotonic() - started)


def ask(arena: Arena, story: Story, key: str) -> int:
    """One command, once; it has an answer in time."""
    story.sent[:] = [CREATE]
    body = TERMS | {"justification": story.marker}
    headers = {"Idempotency-Key": key}
    try:
        answer = arena.people.engineer.http.post("/requests", json=body, headers=headers, timeout=ANSWERED_WITHIN)
    except httpx.TransportError as error:
        raise AssertionError(f"not answered within {ANSWERED_WITHIN} s: {error!r}") from error
    assert answer.status_code in (201, 503), f"{answer.status_code} {answer.text}"
    if answer.is_success and not story.acknowledged:
        story.request_id = str(answer.json()["id"])
        story.acknowledged.append(CREATE)
    return answer.status_code


def _connections(servers: Stack) -> int:
    """The connections that the broker knows."""
    return len(ctl(servers, "list_connections", "peer_port").split())
