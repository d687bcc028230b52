"""Processes under measurement: services of Lockbox and stock services."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

from amqp.exceptions import NotFound
from kombu import Connection, Queue
from pymongo import MongoClient
from pymongo.database import Database

from lockbox.embedded.stack import Stack
from lockbox.provision.environment import ENVIRONMENT, read_environment
from lockbox.provision.launch import nameko_command
from lockbox.provision.secrets import ADMIN

PATIENCE_SECONDS = 120
ANY_PORT = {"LOCKBOX_HEALTH_ADDRESS": "127.0.0.1:0"}


def broker_uri(stack: Stack) -> str:
    """Return the broker's URI with all rights."""
    return stack.servers.broker_uri(ADMIN, stack.secrets.broker)


def database_uri(stack: Stack) -> str:
    """Return the database's URI with all rights."""
    return stack.servers.database_uri(ADMIN, stack.secrets.database)


@contextmanager
def database(stack: Stack, name: str) -> Iterator[Database[dict[str, Any]]]:
    """Open a database with all rights."""
    with MongoClient[dict[str, Any]](database_uri(stack)) as client:
        yield client[name]


@contextmanager
def lockbox_service(stack: Stack, name: str, processes: int = 1) -> Iterator[None]:
    """Run some processes of a service, each as a deployment runs it."""
    with ExitStack() as running:
        for _ in range(processes):
            running.enter_context(lockbox_process(stack, name))
        yield


def lockbox_process(stack: Stack, name: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Run one process of a service."""
    environment = read_environment(stack.home / "services" / name / ENVIRONMENT)
    return program(nameko_command(name), environment | ANY_PORT)


@contextmanager
def runtime_service(stack: Stack, module: str) -> Iterator[None]:
    """Run one process of a service on Lockbox's runtime, with the keys of request_service and all rights."""
    environment = read_environment(stack.home / "services" / "request_service" / ENVIRONMENT)
    *run, _ = nameko_command("request_service")
    with program([*run, module], environment | ANY_PORT | {"LOCKBOX_AMQP_URI": broker_uri(stack)}):
        yield


@contextmanager
def stock_service(stack: Stack, module: str) -> Iterator[None]:
    """Run one process of a stock Nameko service."""
    nameko = Path(sys.executable).with_name("nameko")
    with program([str(nameko), "run", "--broker", broker_uri(stack), module], {"MONGO_URI": database_uri(stack)}):
        yield


@contextmanager
def program(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process; end it with SIGTERM, or SIGKILL if it does not end: stock Nameko can hang."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=PATIENCE_SECONDS / 2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_broker(uri: str) -> None:
    """Return when the broker takes connections."""
    with Connection(uri) as connection:
        connection.ensure_connection(max_retries=PATIENCE_SECONDS, interval_step=0, interval_max=1)


def await_consumers(uri: str, queue: str) -> None:
    """Return when a queue has a consumer."""
    with Connection(uri) as connection:
        eventually(lambda: _is_read(connection, queue), f"no consumer of {queue}")


def _is_read(connection: Connection, queue: str) -> bool:
    try:
        with connection.channel() as channel:
            return bool(Queue(queue)(channel).queue_declare(passive=True).consumer_count)
    except NotFound:
        return False


def eventually(holds: Callable[[], bool], complaint: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Return when the condition holds; raises `TimeoutError` with the complaint."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(complaint)
        time.sleep(0.02)
