"""RabbitMQ and MongoDB of docker-compose.tls.yml answer nobody in the clear: `python -m tests.compose.transit`."""

import os
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure

from lockbox.provision.certificates import CA
from tests.compose.containers import compose, master_secrets


def main() -> None:
    """Look at both servers."""
    check_broker()
    with tempfile.TemporaryDirectory() as folder:
        ca_file = Path(folder) / CA
        ca_file.write_text(master_secrets()[CA])
        ask_database(f"tls=true&tlsCAFile={ca_file}", 10_000)
    with suppress(ConnectionFailure):
        ask_database("tls=false", 1_000)
        raise AssertionError("MongoDB answers in the clear")


def check_broker() -> None:
    """Nothing listens on the port of AMQP in the clear."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", int(os.environ["LOCKBOX_TEST_AMQP_PORT"]))) as sock:
        sock.settimeout(10)
        sock.sendall(b"AMQP\x00\x00\x09\x01")
        assert sock.recv(8) == b"", "RabbitMQ answers in the clear"
    compose("exec", "-T", "mongodb", "bash", "-c", "</dev/tcp/rabbitmq/5671")


def ask_database(options: str, milliseconds: int) -> None:
    """Return when MongoDB answers; raises ConnectionFailure when it does not."""
    address = f"mongodb://127.0.0.1:{os.environ['LOCKBOX_TEST_MONGODB_PORT']}/?directConnection=true&{options}"
    with MongoClient[object](address, serverSelectionTimeoutMS=milliseconds) as client:
        client.admin.command("hello")


if __name__ == "__main__":
    main()
