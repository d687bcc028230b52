"""No service lets messages take all its workers."""

from importlib import import_module
from types import SimpleNamespace

import pytest
import yaml
from nameko.exceptions import ConfigurationError

from lockbox.contracts.listeners import SOURCES
from lockbox.provision.launch import nameko_command
from lockbox.runtime.broker.consumer import RawQueueConsumer
from lockbox.runtime.events.subscription import Subscription
from lockbox.runtime.host.container import Container


def shipped(service: str) -> Container:
    """A service as config.yml has it, not started."""
    command = nameko_command(service)
    with open(command[command.index("--config") + 1]) as file:
        config = yaml.safe_load(file)
    module = import_module(f"{service}.service")
    [kind] = [each for each in vars(module).values() if getattr(each, "name", None) == service]
    return Container(kind, {**config, "AMQP_URI": "amqp://localhost//", "WEB_SERVER_ADDRESS": "127.0.0.1:0"})


@pytest.mark.parametrize("service", SOURCES)
def test_workers_when_all_messages_are_in_hand_are_left_for_the_rest(service: str) -> None:
    container = shipped(service)
    wanted = sum(getattr(extension, "workers", 0) for extension in container.extensions)
    assert wanted <= container.max_workers - 5


def test_consumer_when_messages_could_take_all_workers_refuses_to_start() -> None:
    consumer = RawQueueConsumer()
    consumer.container = SimpleNamespace(max_workers=20)
    consumer._providers = {Subscription()}
    with pytest.raises(ConfigurationError, match="max_workers: expected more than 20, got 20"):
        consumer.start()
