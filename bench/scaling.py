"""The rate of approval_service with one process and with two: requests in its queue become approvals."""

from approval_service.domain.policy.policy import Policy
from bench.events import requests
from bench.intake import rate
from bench.programs import broker_uri, database, lockbox_service
from bench.queues import declare, listeners, publish, purge
from lockbox import clock
from lockbox.contracts import wire
from lockbox.embedded.stack import Stack

REQUESTS = 2_500
ROUNDS = 2


def measure(stack: Stack) -> dict[int, list[float]]:
    """Return the requests a second by number of processes."""
    uri = broker_uri(stack)
    declare(uri, *listeners())
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(ROUNDS):
        for processes, measured in rates.items():
            publish(uri, requests(REQUESTS))
            measured.append(_open(stack, processes))
            purge(uri, [topology.name for topology in listeners()])
    return rates


def _open(stack: Stack, processes: int) -> float:
    policy = wire.encode(Policy.first("contoso", "approval_service", clock.now()).state)
    with database(stack, "lockbox_approval") as approval:
        approval["approvals"].drop()
        document = {"_id": "contoso", "version": 1, "sequence": 1, "state": policy, "outbox": []}
        approval["policies"].replace_one({"_id": "contoso"}, document, upsert=True)
        with lockbox_service(stack, "approval_service", processes):
            measured = rate(approval["approvals"], REQUESTS)
        approval["policies"].drop()
    return measured
