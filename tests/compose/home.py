"""A home folder for the story, as a local stack has one: `python -m tests.compose.home <folder>`.

It has the accounts, MongoDB's address as seen from outside, with the rights to look at everything, and the address and
passwords of the broker (`broker.json`), for the tests of stolen ones.
"""

import json
import os
import sys
from pathlib import Path
from urllib.parse import quote

from lockbox.provision.accounts import DEMO_MEMBERS
from lockbox.provision.environment import ENVIRONMENT
from lockbox.provision.files import private_directory, write_private, write_private_json
from lockbox.provision.secrets import ADMIN
from tests.compose.containers import compose, master_secrets
from tests.people import People
from tests.waiting import eventually


def main() -> None:
    """Write it, and return when the tenants are known where requests come in."""
    home = Path(sys.argv[1])
    accounts = private_directory(home) / "demo-accounts.json"
    write_private(accounts, compose("run", "--rm", "-T", "accounts", "--json"))
    secrets = json.loads(master_secrets()["passwords.json"])
    broker = {"address": f"127.0.0.1:{os.environ['LOCKBOX_TEST_AMQP_PORT']}", "passwords": secrets["broker"]}
    write_private_json(home / "broker.json", broker)
    password = quote(secrets["database"][ADMIN], safe="")
    address = f"127.0.0.1:{os.environ['LOCKBOX_TEST_MONGODB_PORT']}"
    uri = f"mongodb://{ADMIN}:{password}@{address}/?authSource=admin&directConnection=true"
    audit = private_directory(home / "services" / "audit_service")
    write_private(audit / ENVIRONMENT, f"LOCKBOX_MONGO_URI={uri}\n")
    engineer = People(accounts).engineer
    customers = {organisation for _, organisation, _ in DEMO_MEMBERS.values()} - {"vendor"}
    eventually(lambda: customers <= {tenant["tenant"] for tenant in engineer.get("/tenants")["items"]})


if __name__ == "__main__":
    main()
