"""docs/going-live.md: the files that it shows are those that the code reads."""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from lockbox.contracts import wire
from lockbox.provision.compose import ROOT as VOLUMES
from lockbox.provision.environment import SEED
from lockbox.provision.secrets import ADMIN, SecretFiles, Secrets
from notify_service.settings import NotifySettings
from portal_service.app import LARGEST_BODY
from portal_service.domain.account import Account
from portal_service.domain.seed import Seed

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "going-live.md").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def block(language: str, containing: str) -> str:
    blocks = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    [found] = [each for each in blocks if containing in each]
    return str(found)


@pytest.mark.parametrize("secrets", ["present", "null"])
def test_seed_when_read_names_members_with_roles_of_their_organisation(secrets: str) -> None:
    document = json.loads(block("json", "members"))
    for member in document["members"] if secrets == "null" else ():
        member.update({name: None for name in ("password", "api_token") if name in member})
    for member in wire.decode(Seed, document).members:
        Account.add(member.email, member.organisation, member.roles, None)


def test_environment_file_when_read_sets_what_the_compose_file_takes() -> None:
    named = re.findall(r"^(LOCKBOX_\w+)=", block("sh", "LOCKBOX_PORTAL_URL="), re.MULTILINE)
    taken = set(COMPOSE["x-addresses"])
    assert len(named) == 4
    assert set(named) <= taken


def test_override_when_merged_replaces_the_seed_that_the_portal_reads() -> None:
    override = yaml.safe_load(block("yaml", "services:"))["services"]
    assert set(override) <= set(COMPOSE["services"])
    [mount] = override["portal_service"]["volumes"]
    assert mount.split(":")[1] == str(VOLUMES / "portal_service" / SEED)


def test_override_when_merged_sets_what_notify_service_reads_and_provision_does_not() -> None:
    environment = yaml.safe_load(block("yaml", "services:"))["services"]["notify_service"]["environment"]
    settings = {f"LOCKBOX_{field.name.upper()}" for field in fields(NotifySettings)}
    assert set(environment) <= settings
    assert not set(environment) & set(COMPOSE["x-addresses"])


def test_services_when_named_in_commands_are_those_of_the_compose_file() -> None:
    named = re.findall(r"(?:docker compose (?:restart|exec|exec -T)|--scale|--entrypoint \w+) (\w+)", PAGE)
    named += re.findall(r"docker compose run --rm (\w+)$", PAGE, re.MULTILINE)
    assert len(named) > 8
    assert set(named) <= set(COMPOSE["services"])


def test_password_when_read_for_a_backup_is_where_the_secrets_are(tmp_path: Path) -> None:
    secrets: Secrets = SecretFiles(tmp_path).ensure()
    path, *keys = re.findall(r'open\("/etc/lockbox/secrets/([\w.]+)"\)\)\["(\w+)"\]\["(\w+)"\]', PAGE)[0]
    document = json.loads((tmp_path / path).read_text())
    assert keys == ["database", ADMIN]
    assert document["database"][ADMIN] == secrets.database[ADMIN]


def test_proxy_when_configured_leads_to_the_portal_with_its_limit() -> None:
    proxy = block("nginx", "proxy_pass")
    assert "http://127.0.0.1:8480" in proxy
    assert ":-8480}:8480" in COMPOSE["services"]["portal_service"]["ports"][0]
    assert f"client_max_body_size {LARGEST_BODY // 1024}k;" in proxy
