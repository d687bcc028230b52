"""Emails to a mail server that is slow, hangs or ends badly: those of other tenants go out, each once."""

import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pymongo.collection import Collection
from tests.integration.test_aggregates import CAUSE, Offers
from tests.mail_server import BadController, BadMailbox, BadServer
from tests.stores.approval_service import number
from tests.stores.notify_service import delivery
from tests.waiting import eventually

from lockbox.contracts.acts import Act
from lockbox.contracts.events import Changed
from lockbox.embedded.stack import Stack
from lockbox.provision.secrets import ADMIN
from lockbox.runtime.storage.mongo import connect
from notify_service.store import DeliveryStore

SLOW, HANGING = "slow.example", "hanging.example"
OTHERS = 12


@pytest.fixture
def mailbox() -> Iterator[tuple[BadMailbox, int]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    box = BadMailbox(hanging=HANGING, slow=SLOW)
    controller = BadController(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box, port
    controller.stop()
    eventually(lambda: not BadServer.connected)


@pytest.fixture
def deliveries(stack: Stack) -> Iterator[DeliveryStore]:
    uri = stack.servers.database_uri(ADMIN, stack.secrets.database)
    with connect(uri, "tests") as client:
        store = DeliveryStore(client[f"test_{uuid4().hex[:12]}"], Offers())  # type: ignore[arg-type]
        store.ensure_indexes()
        yield store
        client.drop_database(store.collection.database.name)


@pytest.fixture
def sending(stack: Stack, deliveries: DeliveryStore, mailbox: tuple[BadMailbox, int]) -> Iterator[None]:
    uri = stack.servers.database_uri(ADMIN, stack.secrets.database)
    name = deliveries.collection.database.name
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("mail_process.py")), uri, name]
    process = subprocess.Popen([*command, str(mailbox[1])])
    yield
    process.kill()
    process.wait()


def add(deliveries: DeliveryStore, index: int, domain: str, tenant: str) -> None:
    made = replace(delivery(index), recipient=f"person-{index}@{domain}", tenant=tenant)
    deliveries.create(number(index), Changed(made), Act(CAUSE, datetime.now(UTC)))


def states(collection: Collection[dict[str, Any]], tenant: str) -> Counter[str]:
    return Counter(one["state"]["state"] for one in collection.find({"state.tenant": tenant}))


@pytest.mark.usefixtures("sending")
def test_emails_when_the_server_is_slow_or_hangs_for_some_go_out_to_the_others_once(
    deliveries: DeliveryStore, mailbox: tuple[BadMailbox, int]
) -> None:
    box, _ = mailbox
    for index in range(1, 11):
        add(deliveries, index, SLOW, "slow")
        add(deliveries, index + 20, HANGING, "hanging")
    eventually(lambda: box.asked[SLOW] and box.asked[HANGING])
    for index in range(40, 40 + OTHERS):
        add(deliveries, index, f"d{index % 3}.example", f"tenant-{index % 3}")
    everyone = {f"person-{index}@d{index % 3}.example": 1 for index in range(40, 40 + OTHERS)}
    eventually(lambda: everyone.items() <= box.taken.items(), within=5)
    asked = box.asked[HANGING]
    eventually(lambda: box.asked[HANGING] > asked, within=20)  # its deadline is over, and it is tried again
    assert box.asked[HANGING] <= asked + 1
    assert everyone.items() <= box.taken.items()
    assert all(states(deliveries.collection, f"tenant-{index}") == {"SENT": OTHERS // 3} for index in range(3))
    assert states(deliveries.collection, "hanging") == {"PENDING": 10}
