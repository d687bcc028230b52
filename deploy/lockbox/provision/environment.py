"""The environment of each service: the addresses of the servers, and the secrets of that service."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from lockbox.provision.certificates import CA
from lockbox.provision.files import private_directory, write_private, write_unless_edited
from lockbox.provision.secrets import SERVICES, SecretFiles, Secrets

ENVIRONMENT = "environment"
CALLER_KEYS = "callers.jwks.json"
CALLER_KEY = "caller.pem"
KEY_ENCRYPTION_KEY = "key-encryption.key"
WEB_KEY = "web.key"
SEED = "seed.json"


@dataclass(frozen=True)
class Servers:
    """The addresses of a deployment's servers.

    `broker` and `database` are `name:port`, or the URI of an existing server. With `ca_file` both are reached with TLS,
    and their certificates are verified with it.
    """

    broker: str
    database: str
    portal_url: str
    smtp_host: str
    smtp_port: int
    mail_from: str = "lockbox@vendor.example"
    ca_file: Path | None = None

    def broker_uri(self, service: str, passwords: Mapping[str, str]) -> str:
        """Return the broker's URI with this service's own user."""
        if "://" in self.broker:
            return self.broker
        user = f"{service}:{quote(passwords[service], safe='')}"
        if self.ca_file is not None:
            return f"amqps://{user}@{self.broker}//?cacertfile={quote(str(self.ca_file))}"
        return f"amqp://{user}@{self.broker}//"

    def database_uri(self, service: str, passwords: Mapping[str, str]) -> str:
        """Return the database's URI with this service's own user."""
        if "://" in self.database:
            return self.database
        password = quote(passwords[service], safe="")
        tls = "" if self.ca_file is None else f"&tls=true&tlsCAFile={quote(str(self.ca_file))}"
        return f"mongodb://{service}:{password}@{self.database}/?authSource=admin&replicaSet=rs0{tls}"


@dataclass(frozen=True)
class ServiceDirectories:
    """A directory for each service with its `environment` and the key files that are its own.

    `root` is the path of writing, `seen_at` the path for the services, which differs in containers.
    """

    root: Path
    seen_at: Path
    database_prefix: str = "lockbox"

    def of(self, service: str) -> Path:
        """Return a service's own directory."""
        return self.root / service

    def write(
        self,
        servers: Servers,
        secrets: Secrets,
        files: SecretFiles,
        addresses: Mapping[str, str],
        seed: str,
    ) -> None:
        """Write all directories; `addresses` has the health address of each service, and `web` of the portal."""
        for service in SERVICES:
            directory = private_directory(self.of(service))
            write_private(directory / CALLER_KEYS, files.caller_keys.read_text())
            if servers.ca_file is not None:
                write_private(directory / CA, servers.ca_file.read_text())
            for name, text in self._own_files(service, secrets, files).items():
                write_private(directory / name, text)
            environment = self._common(service, servers, secrets, addresses) | self._own(service, servers, addresses)
            lines = [f"{name}={value}" for name, value in sorted(environment.items())]
            write_private(directory / ENVIRONMENT, "\n".join(lines) + "\n")
        self._write_seed(seed)

    def _write_seed(self, seed: str) -> None:
        path = self.of("portal_service") / SEED
        if not write_unless_edited(path, seed):
            sys.stderr.write(f"{path} was edited: it is kept. Remove it to have the members of the demo again.\n")

    def _own_files(self, service: str, secrets: Secrets, files: SecretFiles) -> dict[str, str]:
        if service == "approval_service":
            return {KEY_ENCRYPTION_KEY: secrets.key_encryption_key}
        if service == "portal_service":
            return {CALLER_KEY: files.caller_key.read_text(), WEB_KEY: secrets.web_key}
        return {}

    def _common(self, service: str, servers: Servers, secrets: Secrets, addresses: Mapping[str, str]) -> dict[str, str]:
        seen = replace(servers, ca_file=self.seen_at / service / CA) if servers.ca_file else servers
        return {
            "LOCKBOX_AMQP_URI": seen.broker_uri(service, secrets.broker),
            "LOCKBOX_MONGO_URI": seen.database_uri(service, secrets.database),
            "LOCKBOX_DATABASE_PREFIX": self.database_prefix,
            "LOCKBOX_CALLER_KEYS": str(self.seen_at / service / CALLER_KEYS),
            "LOCKBOX_HEALTH_ADDRESS": addresses[service],
        }

    def _own(self, service: str, servers: Servers, addresses: Mapping[str, str]) -> dict[str, str]:
        directory = self.seen_at / service
        own = {
            "approval_service": {"LOCKBOX_KEY_ENCRYPTION_KEY": str(directory / KEY_ENCRYPTION_KEY)},
            "notify_service": {
                "LOCKBOX_PORTAL_URL": servers.portal_url,
                "LOCKBOX_MAIL_FROM": servers.mail_from,
                "LOCKBOX_SMTP_HOST": servers.smtp_host,
                "LOCKBOX_SMTP_PORT": str(servers.smtp_port),
            },
            "portal_service": {
                "LOCKBOX_WEB_ADDRESS": addresses["web"],
                "LOCKBOX_PORTAL_URL": servers.portal_url,
                "LOCKBOX_CALLER_SIGNING_KEY": str(directory / CALLER_KEY),
                "LOCKBOX_WEB_KEY": str(directory / WEB_KEY),
                "LOCKBOX_SEED": str(directory / SEED),
            },
        }
        return own.get(service, {})


def read_environment(path: Path) -> dict[str, str]:
    """Return the variables of one service's `environment` file."""
    return dict(line.split("=", 1) for line in path.read_text().splitlines() if "=" in line)
