"""More and fewer of a service, and services that are killed, while people work: `python -m tests.compose.elasticity`.

Nothing that was acknowledged may be missing from the audit trail afterwards, and nothing may be there twice.
"""

import sys
from pathlib import Path

from tests.compose.containers import Container, compose, containers_of
from tests.compose.load import Load
from tests.compose.stopwatch import stopwatch
from tests.people import People
from tests.waiting import eventually

SCALED = "approval_service"
SERVERS = ("rabbitmq", "mongodb")
ALSO_KILLED = ("portal_service", "request_service", "audit_service", "notify_service")


def main() -> None:
    """Play it on the stack whose accounts are in the file that is named."""
    with Load(People(Path(sys.argv[1]))) as load:
        load.proceed(15)
        with stopwatch(f"three containers of {SCALED}, under load"):
            scale(3)
            load.proceed(45)
        with stopwatch("kill -9 in one of them and in each other service: all come back"):
            crash([containers_of(service)[0] for service in (SCALED, *ALSO_KILLED)])
            load.proceed(15)
        for server in SERVERS:
            with stopwatch(f"kill -9 of {server}: all comes back"):
                crash(containers_of(server)[:1])
                load.proceed(15)
        with stopwatch(f"one container of {SCALED}"):
            scale(1)
            load.proceed(15)
    with stopwatch(f"{load.ledger.acknowledged} acknowledged commands are in the audit trail, each once"):
        load.check()


def scale(replicas: int) -> None:
    """What an operator would do; the queue of calls is then read by so many."""
    compose("up", "--wait", "--scale", f"{SCALED}={replicas}")
    assert len(containers_of(SCALED)) == replicas
    eventually(lambda: readers_of(f"{SCALED}.commands.v1") == replicas, within=60)


def readers_of(queue: str) -> int:
    """How many consumers a queue has."""
    listed = compose("exec", "-T", "rabbitmq", "rabbitmqctl", "--silent", "list_queues", "name", "consumers")
    readers = dict(line.split("\t") for line in listed.splitlines() if line.count("\t") == 1)
    return int(readers[queue])


def crash(victims: list[Container]) -> None:
    """Let these crash at once, and wait until all are back."""
    for victim in victims:
        victim.kill_processes()
    for victim in victims:
        victim.await_return(restarts=1)


if __name__ == "__main__":
    main()
