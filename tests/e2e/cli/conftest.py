"""The `lockbox` command, run as people run it."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.e2e.cli.commands import ASK, Environment, Lockbox
from tests.e2e.cli.forks import Forks
from tests.people import People

NORTHWIND = "/tenants/northwind/policy"


@pytest.fixture
def environment(tmp_path: Path, people: People) -> Environment:
    """That of somebody's own shell."""

    def of(name: str) -> dict[str, str]:
        return {
            **os.environ,
            "LOCKBOX_SESSION": str(tmp_path / "sessions" / f"{name}.json"),
            "LOCKBOX_PASSWORD": people.accounts[name]["password"],
            "COLUMNS": "200",
        }

    return of


@pytest.fixture(scope="session")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    forks = Forks(tmp_path_factory.mktemp("forks"))
    yield forks
    forks.close()


@pytest.fixture
def lockbox(environment: Environment, people: People, forks: Forks) -> Lockbox:
    """Runs the command as somebody, signing them in first."""

    def run(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        own = environment(name)
        if not Path(own["LOCKBOX_SESSION"]).exists() and arguments[0] != "login":
            signed_in = run(name, "login", "--url", people.portal, "--email", people.accounts[name]["email"])
            assert signed_in.returncode == 0, signed_in.stderr
        return forks.run(arguments, own)

    return run


@pytest.fixture
def asked(lockbox: Lockbox) -> str:
    """The id of a request that was made by command."""
    made = lockbox("engineer", *ASK, "--service-request", "SR-700001", "--duration", "PT1H", "--json")
    assert made.returncode == 0, made.stderr
    return str(json.loads(made.stdout)["id"])


@pytest.fixture
def northwind(lockbox: Lockbox, people: People) -> Iterator[Callable[..., str]]:
    """Makes requests to northwind; whatever a test does to its policy is undone."""
    admin = people.northwind_admin
    before = admin.get(NORTHWIND)

    def ask(*options: str) -> str:
        terms = ["northwind" if part == "contoso" else part for part in ASK]
        made = lockbox("engineer", *terms, "--service-request", "SR-700003", *options, "--json")
        assert made.returncode == 0, made.stderr
        return str(json.loads(made.stdout)["id"])

    yield ask
    if proposal := admin.get(NORTHWIND)["proposal"]:
        admin.post(f"{NORTHWIND}/proposal", {"decision": "reject", "digest": proposal["digest"]})
    put = admin.http.put(NORTHWIND, json={**before, "version": None})
    if put.status_code == 202:
        agreed = {"decision": "agree", "digest": put.json()["proposal"]["digest"]}
        assert people.northwind_admin_2.post(f"{NORTHWIND}/proposal", agreed).status_code == 200
    after = admin.get(NORTHWIND)
    assert {name for name in after if after[name] != before[name]} <= {"version", "changed_at", "changed_by"}
