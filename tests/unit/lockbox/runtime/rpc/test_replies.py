"""An answer counts for its own call alone, and only from the called service."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from lockbox.runtime.rpc.client import Replies

CALLED = "approval_service"


@dataclass
class Acknowledged:
    """A queue consumer that keeps the acknowledged messages."""

    messages: list[Any] = field(default_factory=list)

    def register_provider(self, provider: object) -> None:
        """Take a provider, of which there is one."""

    def ack(self, message: Any) -> None:
        self.messages.append(message)


def answer(**properties: str) -> Any:
    return SimpleNamespace(
        properties={"correlation_id": "a-call", "user_id": CALLED} | properties, body=b'{"result": 1}'
    )


def replies_of(user: str) -> Any:
    replies: Any = Replies()
    config = {"AMQP_URI": f"amqp://{user}:secret@127.0.0.1//"}
    replies.container = SimpleNamespace(service_name="portal_service", config=config)
    replies.queue_consumer = Acknowledged()
    replies.setup()
    return replies


@pytest.fixture
def replies() -> Any:
    return replies_of("portal_service")


def test_answer_when_all_services_share_a_user_is_of_that_user() -> None:
    replies = replies_of("shared")
    waiting = replies.expect("a-call", CALLED)
    replies.handle_message(answer(user_id="another"))
    assert not waiting.ready()
    replies.handle_message(answer(user_id="shared"))
    assert waiting.wait() == {"result": 1}


def test_answer_when_the_called_service_published_it_reaches_its_call(replies: Any) -> None:
    waiting = replies.expect("a-call", CALLED)
    replies.handle_message(answer())
    assert waiting.wait() == {"result": 1}


@pytest.mark.parametrize("properties", [{"user_id": "notify_service"}, {"user_id": ""}, {"correlation_id": "another"}])
def test_answer_when_another_service_published_it_is_dropped_and_the_call_goes_on(
    replies: Any, properties: dict[str, str]
) -> None:
    waiting = replies.expect("a-call", CALLED)
    forged = answer(**properties)
    replies.handle_message(forged)
    assert not waiting.ready()
    assert replies.queue_consumer.messages == [forged]
    replies.handle_message(answer())
    assert waiting.wait() == {"result": 1}


def test_answer_when_the_broker_vouches_for_nobody_is_dropped(replies: Any) -> None:
    waiting = replies.expect("a-call", CALLED)
    unvouched = answer()
    del unvouched.properties["user_id"]
    replies.handle_message(unvouched)
    assert not waiting.ready()
