"""Settings of mongodb_guard."""

import re
from collections import Counter
from dataclasses import dataclass, field

from examples.mongodb_guard.domain import OWN_DATABASE
from lockbox.errors import Invalid
from lockbox.runtime.host.settings import Config, read_settings

NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
NEVER = frozenset({"admin", "config", "local", OWN_DATABASE})


@dataclass(frozen=True)
class Settings:
    """`url`: where engineers find this service; proofs are made for it. `databases`: of each tenant, its own.

    `token_file` holds the API token of this enforcement point at the portal.
    """

    url: str
    portal_url: str
    token_file: str
    databases: dict[str, list[str]] = field(default_factory=dict)


def settings(config: Config) -> Settings:
    """The settings; a database that is not one tenant's alone stops the start."""
    read = read_settings(Settings, config)
    owners = Counter(database for databases in read.databases.values() for database in databases)
    for database, tenants in owners.items():
        if tenants != 1 or database in NEVER or not NAME.match(database):
            raise Invalid("databases", f"config.yml: lockbox.databases: {database!r} is not one tenant's own database")
    return read
