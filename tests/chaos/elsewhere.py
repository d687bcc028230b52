"""`python -m tests.chaos.elsewhere [network] [cluster]`: the faults that need servers of another kind than one's own.

They are a part of `make chaos`.
"""

import random
import shutil
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from rich.console import Console

from tests.chaos import outages
from tests.chaos.arena import Arena
from tests.chaos.cluster import Cluster
from tests.chaos.network import ALARMS, Network
from tests.chaos.report import Report

CUT, HALF_OPEN, SLOW, ALARMED = 8.0, 20.0, 15.0, 20.0
LATENCY = 0.2
ROUNDS = 3
PARTS = ("network", "cluster")


def main() -> None:
    """Play some of it, or all, and print what came of it."""
    home = Path(tempfile.mkdtemp(prefix="lockbox-chaos-"))
    report = Report(Console(width=140))
    play(home, random.randrange(2**32), report, tuple(sys.argv[1:]) or PARTS)  # noqa: S311 - no secret
    report.show()
    if report.complaints:
        sys.exit("\n".join((*report.complaints, f"logs: {home}")))
    shutil.rmtree(home)


def play(home: Path, seed: int, report: Report, parts: tuple[str, ...] = PARTS) -> None:
    """Each part on servers of its own."""
    with ExitStack() as servers:
        if "network" in parts:
            network = servers.enter_context(Network(home / "network").open())
            arena = servers.enter_context(Arena(home / "behind", seed, existing=network.existing).open())
            on_a_network(arena, report, network)
    with ExitStack() as servers:
        if "cluster" in parts:
            cluster = servers.enter_context(Cluster(home / "cluster").open())
            arena = servers.enter_context(Arena(home / "upon", seed, existing=cluster.existing).open())
            on_a_cluster(arena, report, cluster)


def on_a_network(arena: Arena, report: Report, network: Network) -> None:
    """A network that fails, and a broker that takes nothing."""
    for name, proxy in (("RabbitMQ", network.broker), ("MongoDB", network.database)):
        with report.fault(arena, f"network cut, {name}") as row:
            outages.broken(arena, row, CUT, proxy.cut, proxy.heal)
        with report.fault(arena, f"half-open, {name}") as row:
            outages.broken(arena, row, HALF_OPEN, proxy.swallow, proxy.heal)
        with report.fault(arena, f"latency, {name}") as row:
            outages.broken(arena, row, SLOW, partial(proxy.delay, LATENCY), proxy.heal)
    for kind in ALARMS:
        with report.fault(arena, f"alarm, {kind}") as row:
            outages.alarmed(arena, row, network.servers, kind, ALARMED)
    with report.fault(arena, "no queue exists") as row:
        outages.unheard(arena, row, network.servers)
    with report.fault(arena, "broker restarted in a call") as row:
        outages.restarted_in_a_call(arena, row, network.servers)


def on_a_cluster(arena: Arena, report: Report, cluster: Cluster) -> None:
    """Three nodes and three members, of which the most important one is killed."""
    alone = {queue: members for queue, members in cluster.members_of_queues().items() if members != len(cluster)}
    assert not alone, f"these queues don't have a member on each node: {alone}"
    for _ in range(ROUNDS):
        with report.fault(arena, "cluster: leader's node") as row:
            outages.leader_killed(arena, row, cluster)
        with report.fault(arena, "cluster: primary") as row:
            outages.primary_killed(arena, row, cluster)


if __name__ == "__main__":
    main()
