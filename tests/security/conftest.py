"""Stolen passwords: connections to the broker as a service's own user, with nothing but its password.

The broker is that of the stack, or the one whose address and passwords are in the file that `LOCKBOX_TEST_BROKER` names
(the containers' RabbitMQ, say). Tests that need no more than a broker then start no stack.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection

from lockbox.provision.environment import Servers

StolenPassword = Callable[[str], AbstractContextManager[Any]]
BrokerUri = Callable[[str], str]


@pytest.fixture(scope="session")
def broker_uri(request: pytest.FixtureRequest) -> BrokerUri:
    """The address of the broker for a user."""
    file = os.environ.get("LOCKBOX_TEST_BROKER")
    if file is None:
        stack = request.getfixturevalue("stack")
        return lambda user: stack.servers.broker_uri(user, stack.secrets.broker)
    known = json.loads(Path(file).read_text())
    servers = Servers(broker=known["address"], database="", portal_url="", smtp_host="", smtp_port=0)
    return lambda user: servers.broker_uri(user, known["passwords"])


@pytest.fixture
def stolen(broker_uri: BrokerUri) -> StolenPassword:
    """Open a channel with the stolen broker password of a service."""

    @contextmanager
    def opened(service: str) -> Iterator[Any]:
        with Connection(broker_uri(service)) as connection:
            channel = connection.channel()
            channel.confirm_select()
            yield channel

    return opened
