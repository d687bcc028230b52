"""Fixtures that all layers share: one stack of real servers and services for each worker, on random ports."""

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from ssl import SSLContext
from typing import Any

import httpx
import pytest
from httpx._transports import default
from pymongo import MongoClient
from xdist.scheduler import LoadScopeScheduling

from lockbox.embedded import ports
from lockbox.embedded.plan import Existing, Plan
from lockbox.embedded.processes import started_here
from lockbox.embedded.stack import Stack
from lockbox.provision.accounts import DEMO_MEMBERS
from lockbox.provision.secrets import ADMIN
from tests.fail_points import FAIL_POINTS
from tests.load import UNLIMITED
from tests.people import EXTRA_MEMBERS, People

pytest.register_assert_rewrite("tests.stores")
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type] # jsonschema loads it for a second; no schema has an IRI

TESTS = Path(__file__).parent
PRODUCT = TESTS.parent / "examples" / "content_service" / "app.py"
LONG = (
    *("test_crowded_edge", "test_handlers", "test_lifecycle", "test_lost_bindings", "test_nginx"),
    *("test_pages_everywhere", "test_reconciliation", "test_schemathesis", "test_story"),
)
"""Files that no process should begin when the others have nothing left to do."""
AUTHORITIES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
LAYERS = ("unit", "contracts", "chaos", "dist", "integration", "security", "e2e")


def pytest_configure(config: pytest.Config) -> None:
    """Give each worker ports of its own: workers choose at the same time, and with the same random seed."""
    gc.disable()
    worker: dict[str, Any] = getattr(config, "workerinput", {})
    if worker:
        ports.BELOW_OUTGOING = ports.BELOW_OUTGOING[int(worker["workerid"][2:]) :: worker["workercount"]]


class FilesScheduling(LoadScopeScheduling):
    """Gives each file of tests to one worker, and all of chaos to one, where it has a stack and load of its own."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return "tests/chaos" if path.startswith("tests/chaos/") else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FilesScheduling | None:
    return FilesScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick layers first, then chaos, which takes longest; within a layer long files first, else in random order."""
    items.sort(key=lambda item: (LAYERS.index(item.path.relative_to(TESTS).parts[0]), item.path.stem not in LONG))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Take modules and tests out of the sight of the garbage collector: they stay to the end, and are many."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def certificates_read_once() -> Iterator[None]:
    """Clients share settings of TLS: to read the certificates of all authorities takes longer than most calls."""

    @cache
    def made(_authorities: tuple[str | None, ...], **settings: Any) -> SSLContext:
        return httpx.create_ssl_context(**settings)

    def tls(**settings: Any) -> SSLContext:
        return made(tuple(map(os.getenv, AUTHORITIES)), **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(default, "create_ssl_context", tls)
        yield


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Lockbox, whole, in a folder of its own; on the broker that `LOCKBOX_TEST_AMQP_URI` names, if it names one."""
    os.environ["LOCKBOX_RECONCILE_SECONDS"] = "2"
    os.environ["LOCKBOX_CALL_DEADLINE_SECONDS"] = "5"
    os.environ.update(UNLIMITED)
    home = Path(tempfile.mkdtemp(prefix="lockbox-test-"))
    existing = Existing(amqp_uri=os.environ.get("LOCKBOX_TEST_AMQP_URI"))
    members = {**DEMO_MEMBERS, **EXTRA_MEMBERS}
    stack = Stack(home, Plan(existing, PRODUCT, members, random_ports=True, mongod_options=FAIL_POINTS))
    try:
        stack.up()
        _keep_documents(stack)
        yield stack
    finally:
        stack.down()
        assert list(started_here(home)) == []
        if "LOCKBOX_KEEP_HOME" not in os.environ:
            shutil.rmtree(home)


def _keep_documents(stack: Stack) -> None:
    """Have MongoDB remove nothing by its age: the tests' moments lie in the past."""
    with MongoClient[dict[str, Any]](stack.servers.database_uri(ADMIN, stack.secrets.database)) as client:
        client.admin.command({"setParameter": 1, "ttlMonitorEnabled": False})


@pytest.fixture(scope="session")
def people(stack: Stack) -> Iterator[People]:
    """Everybody with an account."""
    everybody = People(stack.accounts_file)
    yield everybody
    everybody.close()


@pytest.fixture(scope="session")
def mongo(stack: Stack) -> Iterator[MongoClient[dict[str, Any]]]:
    """MongoDB, with all rights, for looking."""
    with MongoClient[dict[str, Any]](stack.servers.database_uri(ADMIN, stack.secrets.database)) as client:
        yield client


@pytest.fixture(scope="session")
def admin_amqp_uri(stack: Stack) -> str:
    """RabbitMQ, with all rights."""
    return stack.servers.broker_uri(ADMIN, stack.secrets.broker)
