"""Gathered writes: the same bytes in the same order, in fewer writes."""

from typing import Any

import pytest

from lockbox.runtime.broker.gathered_writes import AT_MOST_BYTES, GatheredWrites


class Transport:
    """A transport as py-amqp has it: `write` goes through `_write`, which writes to the socket."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self._write: Any = self.written.append

    def write(self, piece: bytes) -> None:
        self._write(piece)


class Connection:
    """A connection with a transport."""

    def __init__(self) -> None:
        self.transport = Transport()


def test_together_when_messages_share_memory_writes_each_as_it_was() -> None:
    connection = Connection()
    shared = bytearray(b"first ")
    with GatheredWrites(connection).together():
        connection.transport.write(memoryview(shared))
        shared[:] = b"second"
        connection.transport.write(memoryview(shared))
        assert connection.transport.written == []
    assert connection.transport.written == [b"first second"]
    connection.transport.write(b"alone")
    assert connection.transport.written[1:] == [b"alone"]


def test_together_when_there_is_much_writes_on_the_way() -> None:
    connection = Connection()
    pieces = [bytes([number % 256]) * 1_000 for number in range(200)]
    with GatheredWrites(connection).together():
        for piece in pieces:
            connection.transport.write(piece)
    assert b"".join(connection.transport.written) == b"".join(pieces)
    assert len(connection.transport.written) == 200_000 // AT_MOST_BYTES + 1
    assert max(map(len, connection.transport.written)) <= AT_MOST_BYTES + 1_000


def test_together_when_nothing_is_written_writes_nothing() -> None:
    connection = Connection()
    with GatheredWrites(connection).together():
        pass
    assert connection.transport.written == []


def test_together_when_it_fails_writes_nothing_further_and_gathers_no_more() -> None:
    connection = Connection()

    def fail() -> None:
        with GatheredWrites(connection).together():
            connection.transport.write(b"half")
            raise ValueError("half a batch")

    with pytest.raises(ValueError, match="half a batch"):
        fail()
    assert connection.transport.written == []
    connection.transport.write(b"next")
    assert connection.transport.written == [b"next"]
