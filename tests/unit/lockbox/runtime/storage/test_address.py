"""MongoDB's address: certificates are verified, whatever its options say."""

from pathlib import Path

import pytest
from nameko.exceptions import ConfigurationError
from pymongo import MongoClient
from pymongo.errors import ServerSelectionTimeoutError
from structlog.testing import capture_logs
from tests.tls import authority, tls_server

from lockbox.runtime.storage.address import DatabaseAddress

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("names", "trusted", "complaint"),
    [
        (["localhost"], "ours", None),
        (["localhost"], "another", "certificate verify failed"),
        (["db.example"], "ours", "Hostname mismatch"),
    ],
)
def test_client_when_the_certificate_is_of_another_ca_or_name_sends_nothing(
    tmp_path: Path, names: list[str], trusted: str, complaint: str | None
) -> None:
    ours = authority(tmp_path / "ours")
    ca_file = authority(tmp_path / trusted).certificate_file
    with tls_server(ours, *names) as server:
        uri = f"mongodb://localhost:{server.port}/?tls=true&tlsCAFile={ca_file}&serverSelectionTimeoutMS=100"
        DatabaseAddress(uri).check()
        with MongoClient[object](uri) as client, pytest.raises(ServerSelectionTimeoutError, match=complaint):
            client.admin.command("ping")
        assert bool(server.accepted) is (complaint is None)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ("", "mongodb:// or mongodb.srv://"),
        (f"audit:{SECRET}@db1/", "mongodb:// or mongodb.srv://"),
        (f"mongodb://audit:{SECRET}@db1/?tls=true&tlsInsecure=true", "verified .*, got tlsinsecure"),
        (f"mongodb://audit:{SECRET}@db1/?tlsAllowInvalidCertificates=TRUE", "got tlsallowinvalidcertificates"),
        (f"mongodb://audit:{SECRET}@db1/?tls=true&tlsAllowInvalidHostnames=true", "got tlsallowinvalidhostnames"),
        (f"mongodb://audit:{SECRET}@db1/?tls=true&tlsCAFile=/nowhere/ca.pem", "a PEM file, got /nowhere/ca.pem"),
    ],
)
def test_address_when_wrong_names_the_setting_and_no_password(wrong: str, expected: str) -> None:
    with pytest.raises(ConfigurationError, match=f"LOCKBOX_MONGO_URI: expected .*{expected}") as failed:
        DatabaseAddress(wrong).check()
    assert SECRET not in str(failed.value)


@pytest.mark.parametrize(
    ("address", "exposed"),
    [
        (f"mongodb://audit:{SECRET}@db1,127.0.0.1:27017,db2:27018/?replicaSet=rs0", ["db1", "db2"]),
        ("mongodb://db1/?tls=false", ["db1"]),
        ("mongodb://localhost,[::1]:27017/", None),
        ("mongodb://db1/?tls=true", None),
        ("mongodb://db1/?ssl=true", None),
        ("mongodb://db1/?tlsCAFile=/ca.pem", None),
        ("mongodb+srv://db.example/", None),
    ],
)
def test_address_when_it_leaves_this_machine_in_the_clear_is_logged(address: str, exposed: list[str] | None) -> None:
    with capture_logs() as logs:
        DatabaseAddress(address).warn()
    said = [(line["event"], line["setting"], line["hosts"]) for line in logs]
    assert said == ([] if exposed is None else [("traffic_in_the_clear", "LOCKBOX_MONGO_URI", exposed)])
