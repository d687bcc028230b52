"""The plan of a stack: its services, members, ports, and the servers that run already."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lockbox.provision.accounts import DEMO_MEMBERS, Members
from lockbox.provision.launch import nameko_command
from lockbox.provision.secrets import SERVICES


@dataclass(frozen=True)
class Existing:
    """Servers that run already and replace own ones; databases are named `<database_prefix>_...`."""

    amqp_uri: str | None = None
    mongo_uri: str | None = None
    database_prefix: str = "lockbox"

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Existing":
        """Read `LOCKBOX_AMQP_URI`, `LOCKBOX_MONGO_URI` and `LOCKBOX_DATABASE_PREFIX`."""
        return cls(
            environment.get("LOCKBOX_AMQP_URI"),
            environment.get("LOCKBOX_MONGO_URI"),
            environment.get("LOCKBOX_DATABASE_PREFIX", "lockbox"),
        )


@dataclass(frozen=True)
class Plan:
    """The services, members, example product and ports of a stack.

    With `tls` the servers that are started take connections with TLS alone, with certificates of a CA of their own.
    `copies` is the number of processes of a service where it is not one; it is not for the portal. `command` returns
    the command of a service, which gets `environment` beside its own. `mongod_options` are further ones of mongod.
    """

    existing: Existing = field(default_factory=Existing)
    product: Path | None = None
    members: Members = field(default_factory=lambda: DEMO_MEMBERS)
    services: Sequence[str] = SERVICES
    random_ports: bool = False
    tls: bool = False
    copies: Mapping[str, int] = field(default_factory=dict)
    command: Callable[[str], Sequence[str]] = nameko_command
    environment: Mapping[str, str] = field(default_factory=dict)
    mongod_options: Sequence[str] = ()

    def programs(self, service: str) -> list[str]:
        """Return the names of a service's processes: its own name, then the name with `-2` and so on."""
        return [service, *(f"{service}-{number}" for number in range(2, self.copies.get(service, 1) + 1))]
