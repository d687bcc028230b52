"""The files of docker-compose.yml's containers, each in the volume of the container that reads it.

A container has its own folder below the root and no other. The container `provision` alone has all folders and the
secrets. RabbitMQ and MongoDB run as users of their own, who are in the group of this one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from lockbox import clock
from lockbox.provision.accounts import DEMO_MEMBERS, write_demo_accounts
from lockbox.provision.broker import PLUGINS, TLS_CONFIGURATION, definitions
from lockbox.provision.certificates import Authority
from lockbox.provision.environment import Servers, ServiceDirectories
from lockbox.provision.files import write_for_group, write_private
from lockbox.provision.secrets import SERVICES, SecretFiles, Secrets

ROOT = Path("/etc/lockbox")
BROKER, BROKER_OVER_TLS = "rabbitmq:5672", "rabbitmq:5671"
DATABASE = "mongodb:27017"
THIS_CONTAINER = ("localhost", "127.0.0.1")
HEALTH_ADDRESS = "127.0.0.1:8481"
WEB_ADDRESS = "0.0.0.0:8480"
TOKEN_FILE = "token"  # noqa: S105 - the name of a file
DATABASE_KEY = "key"
BROKER_CONFIGURATION = """\
load_definitions = {directory}/definitions.json
log.console = true
log.console.level = warning
log.console.use_colors = off
management_agent.disable_metrics_collector = true
disk_free_limit.absolute = 200MB
vm_memory_high_watermark.absolute = 1GB
raft.wal_max_size_bytes = 67108864
"""


@dataclass(frozen=True)
class Addresses:
    """The addresses of the portal, the example product, the mailbox and the mail server."""

    portal_url: str
    content_url: str
    mail_url: str
    smtp_host: str
    smtp_port: str
    mail_from: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Addresses":
        """Read `LOCKBOX_PORTAL_URL` and the others; raises KeyError that names a missing variable."""
        return cls(**{field.name: environment[f"LOCKBOX_{field.name.upper()}"] for field in fields(cls)})

    @property
    def servers(self) -> Servers:
        """The addresses of all servers, as the services use them."""
        return Servers(
            broker=BROKER,
            database=DATABASE,
            portal_url=self.portal_url,
            smtp_host=self.smtp_host,
            smtp_port=int(self.smtp_port),
            mail_from=self.mail_from,
        )


@dataclass(frozen=True)
class Deployment:
    """The files of a deployment, below `root`; with `tls` its servers take connections over TLS alone."""

    root: Path = ROOT
    tls: bool = False

    def write(self, addresses: Addresses) -> None:
        """Write all files; secrets and passwords that exist stay, and so does the certificate authority."""
        secrets = self._secret_files.ensure()
        if self.tls:
            self._write_certificates()
        self._write_for_broker(secrets)
        write_for_group(self.root / "mongodb" / DATABASE_KEY, secrets.database_key + "\n")
        write_private(self.root / "content_service" / TOKEN_FILE, secrets.enforcement_point_token)
        self._write_for_services(addresses, secrets)

    @property
    def secrets(self) -> Secrets:
        """The secrets of this deployment."""
        return self._secret_files.read()

    @property
    def accounts(self) -> dict[str, Any]:
        """The addresses and the accounts of the demo."""
        document: dict[str, Any] = json.loads(self._accounts_file.read_text())
        return document

    @property
    def ca_file(self) -> Path | None:
        """The certificate that those of the servers are verified with, if they have any."""
        return self._authority.certificate_file if self.tls else None

    @property
    def _authority(self) -> Authority:
        return Authority(self.root / "secrets")

    @property
    def _secret_files(self) -> SecretFiles:
        return SecretFiles(self.root / "secrets")

    @property
    def _accounts_file(self) -> Path:
        return self.root / "secrets" / "demo-accounts.json"

    def _write_certificates(self) -> None:
        self._authority.ensure(clock.now())
        for address in (BROKER_OVER_TLS, DATABASE):
            host = address.partition(":")[0]
            self._authority.equip(self.root / host, [host, *THIS_CONTAINER], clock.now())

    def _write_for_broker(self, secrets: Secrets) -> None:
        directory = self.root / "rabbitmq"
        document = json.dumps(definitions(secrets.broker), indent=2)
        write_for_group(directory / "definitions.json", document + "\n")
        write_for_group(directory / "enabled_plugins", PLUGINS)
        port = BROKER_OVER_TLS.partition(":")[2]
        listener = TLS_CONFIGURATION.format(directory=directory, address=port) if self.tls else ""
        write_for_group(directory / "rabbitmq.conf", BROKER_CONFIGURATION.format(directory=directory) + listener)

    def _write_for_services(self, addresses: Addresses, secrets: Secrets) -> None:
        urls = {"portal": addresses.portal_url, "content": addresses.content_url, "mail": addresses.mail_url}
        seed = write_demo_accounts(self._accounts_file, DEMO_MEMBERS, urls, secrets.enforcement_point_token)
        listening = {**dict.fromkeys(SERVICES, HEALTH_ADDRESS), "web": WEB_ADDRESS}
        directories = ServiceDirectories(self.root, self.root)
        servers = replace(addresses.servers, broker=BROKER_OVER_TLS, ca_file=self.ca_file)
        directories.write(servers if self.tls else addresses.servers, secrets, self._secret_files, listening, seed)
