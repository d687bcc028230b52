"""Stolen passwords: connections to the broker as a service's own user, with nothing but its password."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from kombu import Connection

from lockbox.embedded.stack import Stack

StolenPassword = Callable[[str], AbstractContextManager[Any]]


@pytest.fixture
def stolen(stack: Stack) -> StolenPassword:
    """Open a channel with the stolen broker password of a service."""

    @contextmanager
    def opened(service: str) -> Iterator[Any]:
        with Connection(stack.servers.broker_uri(service, stack.secrets.broker)) as connection:
            channel = connection.channel()
            channel.confirm_select()
            yield channel

    return opened
