"""A pool of publishers for single messages, so that no message waits for the confirm of another."""

from eventlet.semaphore import Semaphore

from lockbox.runtime.broker.publisher import ConfirmedPublisher, Message, PublishError, Unconfirmed

AT_ONCE = 20


class Publishers:
    """A pool with a publisher for each message on its way; each has a connection of its own that is used again."""

    def __init__(self, uri: str, at_once: int = AT_ONCE) -> None:
        self._uri = uri
        self._places = Semaphore(at_once)
        self._idle: list[ConfirmedPublisher] = []

    def publish(self, message: Message) -> bool:
        """Publish a message; return whether a queue has it. Raises `PublishError` when that can't be known.

        A connection that broke while it was idle shows when it is used; the message is then sent on a new one.
        """
        with self._places:
            publisher = self._idle.pop() if self._idle else ConfirmedPublisher(self._uri)
            try:
                return self._attempt(publisher, message)
            finally:
                self._idle.append(publisher)

    def close(self) -> None:
        """Drop the connections that are not in use."""
        idle, self._idle = self._idle, []
        for publisher in idle:
            publisher.close()

    def _attempt(self, publisher: ConfirmedPublisher, message: Message) -> bool:
        try:
            return bool(publisher.publish([message]))
        except Unconfirmed:
            raise
        except PublishError:
            return bool(publisher.publish([message]))
