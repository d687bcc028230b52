import stat
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from lockbox.crypto.keys import load_signing_key
from lockbox.provision.environment import ENVIRONMENT, Servers, ServiceDirectories, read_environment
from lockbox.provision.secrets import SERVICES, SecretFiles, Secrets

SERVERS = Servers(
    broker="localhost:8472",
    database="localhost:8417",
    portal_url="http://localhost:8480",
    smtp_host="localhost",
    smtp_port=8425,
)
ADDRESSES = {service: f"127.0.0.1:{8481 + number}" for number, service in enumerate(SERVICES)} | {
    "web": "127.0.0.1:8480"
}
OWN_FILES = {
    "request_service": set(),
    "approval_service": {"key-encryption.key"},
    "notify_service": set(),
    "audit_service": set(),
    "portal_service": {"caller.pem", "web.key", "seed.json", ".seed.json.sha256"},
}


@pytest.fixture
def files(tmp_path: Path) -> SecretFiles:
    return SecretFiles(tmp_path / "secrets")


@pytest.fixture
def secrets(files: SecretFiles) -> Secrets:
    return files.ensure()


@pytest.fixture
def written(tmp_path: Path, files: SecretFiles, secrets: Secrets) -> ServiceDirectories:
    directories = ServiceDirectories(tmp_path / "services", Path("/etc/lockbox"))
    directories.write(SERVERS, secrets, files, ADDRESSES, '{"members": []}')
    return directories


def environment(written: ServiceDirectories, service: str) -> dict[str, str]:
    return read_environment(written.of(service) / ENVIRONMENT)


@pytest.mark.parametrize("service", SERVICES)
def test_directory_when_written_holds_a_services_own_files_alone(written: ServiceDirectories, service: str) -> None:
    names = {path.name for path in written.of(service).iterdir()}
    assert names == {"environment", "callers.jwks.json"} | OWN_FILES[service]


@pytest.mark.parametrize("service", SERVICES)
def test_directory_when_written_is_for_its_owner_alone(written: ServiceDirectories, service: str) -> None:
    directory = written.of(service)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}


@pytest.mark.parametrize("service", SERVICES)
def test_directory_when_written_holds_the_secrets_of_nobody_else(
    written: ServiceDirectories, secrets: Secrets, files: SecretFiles, service: str
) -> None:
    text = "\n".join(path.read_text() for path in written.of(service).iterdir())
    for name, password in [*secrets.broker.items(), *secrets.database.items()]:
        assert (password in text) is (name == service), name
    assert (secrets.web_key in text) is (service == "portal_service")
    assert (files.caller_key.read_text() in text) is (service == "portal_service")
    assert (secrets.key_encryption_key in text) is (service == "approval_service")
    assert secrets.database_key not in text
    assert ("PRIVATE KEY" in text) is (service == "portal_service")


@pytest.mark.parametrize("service", SERVICES)
def test_environment_when_read_names_servers_as_the_services_own_user(
    written: ServiceDirectories, secrets: Secrets, service: str
) -> None:
    read = environment(written, service)
    for name, passwords in (("LOCKBOX_AMQP_URI", secrets.broker), ("LOCKBOX_MONGO_URI", secrets.database)):
        uri = urlsplit(read[name])
        assert (uri.username, unquote(uri.password or "")) == (service, passwords[service])
    assert read["LOCKBOX_HEALTH_ADDRESS"] == ADDRESSES[service]
    assert read["LOCKBOX_CALLER_KEYS"] == f"/etc/lockbox/{service}/callers.jwks.json"


def test_environment_when_files_are_named_names_them_where_the_service_sees_them(written: ServiceDirectories) -> None:
    assert environment(written, "approval_service")["LOCKBOX_KEY_ENCRYPTION_KEY"] == (
        "/etc/lockbox/approval_service/key-encryption.key"
    )
    portal = environment(written, "portal_service")
    assert portal["LOCKBOX_CALLER_SIGNING_KEY"] == "/etc/lockbox/portal_service/caller.pem"
    assert portal["LOCKBOX_WEB_KEY"] == "/etc/lockbox/portal_service/web.key"
    assert portal["LOCKBOX_SEED"] == "/etc/lockbox/portal_service/seed.json"


def test_environment_when_only_some_need_it_is_given_to_them_alone(written: ServiceDirectories) -> None:
    for service in SERVICES:
        read = environment(written, service)
        assert ("LOCKBOX_SMTP_HOST" in read) is (service == "notify_service")
        assert ("LOCKBOX_PORTAL_URL" in read) is (service in {"notify_service", "portal_service"})
        assert ("LOCKBOX_CALLER_SIGNING_KEY" in read) is (service == "portal_service")
        assert ("LOCKBOX_KEY_ENCRYPTION_KEY" in read) is (service == "approval_service")


def test_keys_when_written_verify_with_those_of_everybody(written: ServiceDirectories) -> None:
    kid = load_signing_key(written.of("portal_service") / "caller.pem").kid
    for service in SERVICES:
        assert kid in (written.of(service) / "callers.jwks.json").read_text()


def test_directories_when_written_again_are_the_same(
    written: ServiceDirectories, secrets: Secrets, files: SecretFiles
) -> None:
    before = {path: path.read_bytes() for path in written.root.rglob("*") if path.is_file()}
    written.write(SERVERS, secrets, files, ADDRESSES, '{"members": []}')
    assert {path: path.read_bytes() for path in written.root.rglob("*") if path.is_file()} == before


def test_uris_when_a_password_has_special_characters_quote_them() -> None:
    passwords = {"audit_service": "p@ss/w:rd?#%&"}
    for uri in (SERVERS.broker_uri("audit_service", passwords), SERVERS.database_uri("audit_service", passwords)):
        assert unquote(urlsplit(uri).password or "") == "p@ss/w:rd?#%&"
        assert urlsplit(uri).hostname == "localhost"


def test_uris_when_servers_exist_already_are_taken_as_they_are() -> None:
    existing = replace(SERVERS, broker="amqps://me:secret@broker.example/vhost", database="mongodb+srv://me@db.example")
    assert existing.broker_uri("audit_service", {}) == "amqps://me:secret@broker.example/vhost"
    assert existing.database_uri("audit_service", {}) == "mongodb+srv://me@db.example"


def test_read_environment_when_values_have_equals_signs_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "environment").write_text("A=b=c==\n\nnonsense\nEMPTY=\n")
    assert read_environment(tmp_path / "environment") == {"A": "b=c==", "EMPTY": ""}


def test_environment_when_servers_take_tls_alone_names_the_ca_where_the_service_sees_it(
    tmp_path: Path, files: SecretFiles, secrets: Secrets
) -> None:
    (tmp_path / "the-ca.pem").write_text("the certificate")
    directories = ServiceDirectories(tmp_path / "services", Path("/etc/lockbox"))
    directories.write(replace(SERVERS, ca_file=tmp_path / "the-ca.pem"), secrets, files, ADDRESSES, "{}")
    for service in SERVICES:
        read = environment(directories, service)
        broker, database = urlsplit(read["LOCKBOX_AMQP_URI"]), urlsplit(read["LOCKBOX_MONGO_URI"])
        assert (broker.scheme, parse_qs(broker.query)) == ("amqps", {"cacertfile": [f"/etc/lockbox/{service}/ca.pem"]})
        assert parse_qs(database.query)["tls"] == ["true"]
        assert parse_qs(database.query)["tlsCAFile"] == [f"/etc/lockbox/{service}/ca.pem"]
        assert (directories.of(service) / "ca.pem").read_text() == "the certificate"
