"""docker-compose.tls.yml: the same servers with TLS alone, and every part that reaches them is told."""

import os
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from lockbox.provision.__main__ import app
from lockbox.provision.database import tls_options
from lockbox.provision.environment import ENVIRONMENT, read_environment
from lockbox.provision.secrets import SERVICES

ROOT = Path(__file__).parents[2]
BASE, TLS = (
    yaml.safe_load((ROOT / name).read_text())["services"] for name in ("docker-compose.yml", "docker-compose.tls.yml")
)
ADDRESSES = {
    "LOCKBOX_PORTAL_URL": "http://127.0.0.1:8480",
    "LOCKBOX_CONTENT_URL": "http://127.0.0.1:8490",
    "LOCKBOX_MAIL_URL": "http://127.0.0.1:8426",
    "LOCKBOX_SMTP_HOST": "mailpit",
    "LOCKBOX_SMTP_PORT": "1025",
    "LOCKBOX_MAIL_FROM": "lockbox@vendor.example",
}


def mongod(services: dict[str, Any]) -> list[str]:
    [command] = services["mongodb"]["command"]
    return str(command).split()


def test_mongod_when_it_takes_tls_alone_has_the_options_of_provisioning_and_all_others() -> None:
    options = tls_options(Path("/etc/lockbox/mongodb"))
    assert [word for word in mongod(TLS) if word not in options] == mongod(BASE)
    assert set(options) <= set(mongod(TLS))


def test_parts_when_they_reach_a_server_know_that_it_takes_tls_alone() -> None:
    told = {name for name, part in TLS.items() if part.get("environment", {}).get("LOCKBOX_TLS") == "true"}
    assert told == {"provision", "database", *SERVICES}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for part in ("secrets", "rabbitmq", "mongodb", "content_service", *SERVICES):
        (tmp_path / part).mkdir()
    return tmp_path


def test_files_when_written_for_tls_configure_the_broker_and_the_services(root: Path) -> None:
    before = CliRunner().invoke(app, ["files", "--root", str(root)], env=ADDRESSES)
    assert before.exit_code == 0, before.output
    assert "ssl" not in (root / "rabbitmq" / "rabbitmq.conf").read_text()
    done = CliRunner().invoke(app, ["files", "--root", str(root)], env={**ADDRESSES, "LOCKBOX_TLS": "true"})
    assert done.exit_code == 0, done.output
    configuration = (root / "rabbitmq" / "rabbitmq.conf").read_text()
    assert {"listeners.tcp = none", "listeners.ssl.default = 5671"} <= set(configuration.splitlines())
    for service in SERVICES:
        read = read_environment(root / service / ENVIRONMENT)
        assert f"@rabbitmq:5671//?cacertfile={root}/{service}/ca.pem" in read["LOCKBOX_AMQP_URI"]
        assert read["LOCKBOX_MONGO_URI"].endswith(f"&tls=true&tlsCAFile={root}/{service}/ca.pem")
        assert os.listdir(root / service).count("ca.key") == 0
    keys = [path for path in root.rglob("*.pem") if "PRIVATE KEY" in path.read_text()]
    modes = {str(path.relative_to(root)): stat.S_IMODE(path.stat().st_mode) for path in keys}
    assert modes == {
        "rabbitmq/server.pem": 0o640,
        "mongodb/server.pem": 0o640,
        "secrets/caller.pem": 0o600,
        "portal_service/caller.pem": 0o600,
    }
