"""All five services on servers that exist already, and take connections over TLS alone, with a private CA."""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pymongo import MongoClient
from pymongo.errors import ConnectionFailure
from tests.people import People
from tests.programs import running
from tests.waiting import eventually

from lockbox.embedded.plan import Existing, Plan
from lockbox.embedded.processes import started_here
from lockbox.embedded.stack import Stack
from lockbox.provision.secrets import ADMIN
from lockbox.runtime.broker.connection import connection_to

pytestmark = pytest.mark.timeout(300)


@contextmanager
def started(name: str, plan: Plan) -> Iterator[Stack]:
    home = Path(tempfile.mkdtemp(prefix=f"lockbox-{name}-"))
    stack = Stack(home, plan)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
        assert list(started_here(home)) == []
        shutil.rmtree(home)


@pytest.fixture(scope="module")
def servers() -> Iterator[Stack]:
    with started("servers", Plan(random_ports=True, services=(), tls=True)) as stack:
        yield stack


@pytest.fixture(scope="module")
def encrypted(servers: Stack) -> Iterator[Stack]:
    existing = Existing(
        amqp_uri=servers.servers.broker_uri(ADMIN, servers.secrets.broker),
        mongo_uri=servers.servers.database_uri(ADMIN, servers.secrets.database),
        database_prefix="encrypted",
    )
    with started("encrypted", Plan(existing, random_ports=True)) as stack:
        yield stack


def test_services_when_servers_exist_and_take_tls_alone_work_over_it(encrypted: Stack) -> None:
    assert not {"rabbitmq", "mongodb", "epmd"} & running(encrypted.home).keys()
    everybody = People(encrypted.accounts_file)
    request_id = everybody.engineer.ask()
    everybody.vendor_approver.decide(request_id)
    trail = eventually(lambda: everybody.contoso_auditor.trail("contoso", subject=request_id))
    assert "request_created" in {record["type"] for record in trail}
    everybody.close()


def test_services_when_they_use_tls_log_no_traffic_in_the_clear(encrypted: Stack) -> None:
    logs = "".join(path.read_text() for path in (encrypted.home / "log").glob("*_service.log"))
    assert "traffic_in_the_clear" not in logs
    assert "unavailable" not in logs


def test_broker_when_it_takes_tls_alone_answers_nobody_in_the_clear(servers: Stack) -> None:
    address = urlsplit(servers.servers.broker_uri(ADMIN, servers.secrets.broker))
    with socket.create_connection(("127.0.0.1", address.port or 0)):
        pass
    clear = connection_to(f"amqp://{address.netloc}//")
    with pytest.raises(OSError, match=r"closed|reset|timed out|refused"):  # refused: at the host's other address
        clear.ensure_connection(max_retries=1, interval_start=0, reraise_as_library_errors=False)


def test_database_when_it_takes_tls_alone_answers_nobody_in_the_clear(servers: Stack) -> None:
    with socket.create_connection(("127.0.0.1", servers.ports["mongodb"])):
        pass
    clear = f"mongodb://localhost:{servers.ports['mongodb']}/?serverSelectionTimeoutMS=100&directConnection=true"
    with MongoClient[object](clear) as client, pytest.raises(ConnectionFailure):
        client.admin.command("hello")
