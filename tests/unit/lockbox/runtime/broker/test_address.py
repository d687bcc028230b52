"""The broker's address: the parts of the URI, and certificates that count or do not."""

import socket
import threading
from pathlib import Path

import pytest
from kombu import Connection
from nameko.exceptions import ConfigurationError
from structlog.testing import capture_logs
from tests.tls import TlsServer, authority, tls_server

from lockbox.provision.certificates import Authority
from lockbox.runtime.broker.address import BrokerAddress, TlsFailed
from lockbox.runtime.broker.connection import abandon, connection_to

SECRET = "hunter2"


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return authority(tmp_path / "ours")


def uri(server: TlsServer | int, ca: Authority | None, host: str = "localhost") -> str:
    port = server if isinstance(server, int) else server.port
    query = "" if ca is None else f"?cacertfile={ca.certificate_file}"
    return f"amqps://audit_service:{SECRET}@{host}:{port}//{query}"


def connect(connection: Connection) -> None:
    """Connect; after the handshake the server of a test ends, as it speaks no AMQP."""
    try:
        connection.ensure_connection(max_retries=1, interval_start=0, reraise_as_library_errors=False)
    finally:
        abandon(connection)


def greet(server: socket.socket, clients: int) -> None:
    """Answer as RabbitMQ does to what is not its protocol."""
    for _ in range(clients):
        with server.accept()[0] as client:
            client.recv(1)
            client.sendall(b"AMQP\x00\x00\x09\x01")


def refusal(connection: Connection) -> str:
    with pytest.raises(TlsFailed) as failed:
        connect(connection)
    assert SECRET not in str(failed.value)
    return str(failed.value)


def test_connection_when_the_certificate_is_for_the_host_by_the_named_ca_is_made(ours: Authority) -> None:
    with tls_server(ours, "localhost") as server:
        with pytest.raises(OSError, match="closed connection"):
            connect(connection_to(uri(server, ours)))
        assert server.accepted


@pytest.mark.parametrize("named", ["another", "none"])
def test_connection_when_the_certificate_is_by_another_ca_is_refused(
    ours: Authority, tmp_path: Path, named: str
) -> None:
    trusted = authority(tmp_path / "another") if named == "another" else None
    with tls_server(ours, "localhost") as server:
        complaint = refusal(connection_to(uri(server, trusted)))
        assert complaint.startswith(f"LOCKBOX_AMQP_URI: localhost:{server.port}: ")
        assert str(trusted.certificate_file if trusted else "this system") in complaint
        assert not server.accepted


@pytest.mark.parametrize("names", [["broker.example"], ["127.0.0.1"]])
def test_connection_when_the_certificate_is_for_another_name_is_refused(ours: Authority, names: list[str]) -> None:
    with tls_server(ours, *names) as server:
        assert "Hostname mismatch" in refusal(connection_to(uri(server, ours)))
        assert not server.accepted


def test_connection_when_it_moves_to_the_next_node_compares_the_name_of_that_node(ours: Authority) -> None:
    for name, expected in (("127.0.0.1", "closed connection"), ("localhost", r"127.0.0.1:\d+: IP address mismatch")):
        with tls_server(ours, name) as server:
            cluster = f"{uri(1, ours)};{uri(server, ours, '127.0.0.1')}"
            with pytest.raises(OSError, match=expected):
                connect(connection_to(cluster))
            assert bool(server.accepted) is (expected == "closed connection")


def test_connection_when_the_server_speaks_no_tls_is_refused(ours: Authority) -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        greeter = threading.Thread(target=greet, args=[plain, 2])
        greeter.start()
        assert "expected TLS" in refusal(connection_to(uri(plain.getsockname()[1], ours)))
        greeter.join()


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ("", "amqp:// or amqps://"),
        (f"guest:{SECRET}@mq1//", "amqp:// or amqps://"),
        (f"https://guest:{SECRET}@mq1//", "amqp:// or amqps://"),
        (f"amqp://guest:{SECRET}@mq1//;amqps://guest:{SECRET}@mq2//", "the same for all nodes"),
        (f"amqps://guest:{SECRET}@mq1//?cacertfile=/one;amqps://guest:{SECRET}@mq2//", "the same .cacertfile="),
        (f"amqps://guest:{SECRET}@mq1//?ssl_cert_reqs=none", "no option but cacertfile, got ssl_cert_reqs"),
        (f"amqps://guest:{SECRET}@mq1//?verify=verify_none", "no option but cacertfile, got verify"),
        (f"amqp://guest:{SECRET}@mq1//?cacertfile=/ca.pem", "amqps:// where cacertfile is set"),
        (f"amqps://guest:{SECRET}@mq1//?cacertfile=/nowhere/ca.pem", "a PEM file, got /nowhere/ca.pem"),
        (f"amqps://guest:{SECRET}@mq1//?cacertfile={__file__}", "a PEM file, got"),
    ],
)
def test_address_when_wrong_names_the_setting_and_no_password(wrong: str, expected: str) -> None:
    with pytest.raises(ConfigurationError, match=f"LOCKBOX_AMQP_URI: expected .*{expected}") as failed:
        BrokerAddress.of(wrong).check()
    assert SECRET not in str(failed.value)


@pytest.mark.parametrize(
    ("address", "exposed"),
    [
        (f"amqp://guest:{SECRET}@mq1:5672//;amqp://guest:{SECRET}@127.0.0.1//", ["mq1"]),
        ("amqp://10.0.0.5//", ["10.0.0.5"]),
        ("amqp://localhost//;amqp://127.0.0.1//;amqp://[::1]//", None),
        ("amqps://mq1//", None),
    ],
)
def test_address_when_it_leaves_this_machine_in_the_clear_is_logged(address: str, exposed: list[str] | None) -> None:
    with capture_logs() as logs:
        BrokerAddress.of(address).warn()
    said = [(line["event"], line["setting"], line["hosts"]) for line in logs]
    assert said == ([] if exposed is None else [("traffic_in_the_clear", "LOCKBOX_AMQP_URI", exposed)])
