"""`python -m bench`: measure, and print a table for each; its title names the aim."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import command, decision, guard, intake, policy, relay, revocation, scaling, token
from bench.programs import await_broker, broker_uri
from bench.tables import latencies, rates, speed_ups, spread
from lockbox.embedded.plan import Plan
from lockbox.embedded.stack import Stack


def main() -> None:
    """Run all measurements on servers of their own, and print a table for each."""
    os.environ.update({"LOCKBOX_REQUESTS_PER_ENGINEER": "1000000", "LOCKBOX_REQUESTS_PER_TENANT": "1000000"})
    console = Console()
    console.print(f"This machine: {os.cpu_count()} cores for RabbitMQ, MongoDB, the services and the measurement.")
    with tempfile.TemporaryDirectory(prefix="lockbox-bench-") as home:
        stack = Stack(Path(home), Plan(random_ports=True, services=()))
        try:
            stack.up()
            await_broker(broker_uri(stack))
            for table in _tables(stack):
                console.print(table)
        finally:
            stack.down()


def _tables(stack: Stack) -> Iterator[Table]:
    audited = intake.measure(stack)
    yield rates("Events audited (a second; aim: 10 times stock, half of raw)", audited, ours=intake.ONE)
    relayed = relay.measure(stack)
    yield rates("Events relayed (a second)", relayed, ours=relay.RELAY)
    yield speed_ups({"audit_service": intake.by_processes(audited), "approval_service": scaling.measure(stack)})
    yield latencies(
        "RPC + one majority write + one event (milliseconds; aim at p50: 1.0 and 1.6)", command.measure(stack)
    )
    yield latencies(
        "A call that does nothing (milliseconds; aim at p50: 1.05)", token.measure(stack), ("own token", "any token")
    )
    yield spread("Evaluating a policy (microseconds; aim: 200)", policy.evaluations())
    yield spread(
        "Deciding under a policy, with its write (milliseconds; aim: 1.05 of the first)", policy.decisions(stack)
    )
    yield spread("From the moment that requests expire to their events (milliseconds)", policy.lateness(stack))
    yield latencies("From a decision to its event on record (milliseconds)", decision.measure(stack))
    yield spread("A guard's decision on a grant it knows (microseconds; aim at p99: 25)", guard.decisions())
    yield spread("A guard's decision on a new grant (microseconds; aim: 1.4 of the first)", guard.new_grants())
    yield spread("A guard's decision on a new grant with a new proof (microseconds)", guard.new_grants_and_proofs())
    revoked, silent = revocation.measure(stack)
    yield spread("From the answer to a revocation to the refusal (milliseconds; aim at p99: 500)", revoked)
    yield spread("From the portal's silence to the refusal (milliseconds; aim: 5,000)", silent)


if __name__ == "__main__":
    main()
