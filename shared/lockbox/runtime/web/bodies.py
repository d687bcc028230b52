"""The body of a request, read in full before a worker is taken (RFC 9112, sections 6 and 7)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from typing import IO

LARGEST_BODY = 256 * 1024
"""A larger body is refused with 413."""

LARGEST_DISCARDED = 4 * 1024 * 1024
"""A body that is too large is read up to here and dropped, so that the client reads the answer; then it is cut off."""

PIECE = 16 * 1024
LONGEST_LINE = 1_024
MOST_CHUNKS, MOST_TRAILERS = 10_000, 32
END_OF_LINE = (b"\r\n", b"\n")
LENGTH = re.compile(r"[0-9]{1,18}")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n")


class BadBody(Exception):
    """A body that can't be read; the connection ends with this status."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class Cut(Exception):
    """A body that ends too early: the client has gone."""


@dataclass(frozen=True)
class Framing:
    """The framing of a body: its length, or None for chunks."""

    length: int | None

    @classmethod
    def of(cls, headers: Message) -> "Framing":
        """Return the framing that the headers tell; raise `BadBody` for one that is not clear."""
        lengths = [text.strip() for text in headers.get_all("content-length", [])]
        codings = headers.get_all("transfer-encoding", [])
        if codings:
            if lengths:
                raise BadBody(HTTPStatus.BAD_REQUEST)
            if [coding.strip().lower() for coding in codings] != ["chunked"]:
                raise BadBody(HTTPStatus.NOT_IMPLEMENTED)
            return cls(None)
        if len(lengths) > 1 or not all(LENGTH.fullmatch(text) for text in lengths):
            raise BadBody(HTTPStatus.BAD_REQUEST)
        return cls(int(next(iter(lengths), "0")))

    @property
    def too_large(self) -> bool:
        """Whether the body is known to be too large before it is read."""
        return self.length is not None and self.length > LARGEST_BODY

    def pieces(self, file: IO[bytes]) -> Iterator[bytes]:
        """Yield the body as it arrives; raise `BadBody`, or `Cut` where its end does not come."""
        return _chunks(file) if self.length is None else _pieces(file, self.length)


@dataclass(frozen=True)
class Body:
    """A body: its content, or None if it is too large; `complete`: it was read to its end."""

    content: bytes | None
    size: int
    complete: bool


def read_body(framing: Framing, file: IO[bytes], hold: Callable[[int], None]) -> Body:
    """Read a body; `hold` is told the bytes that are kept in memory."""
    content, size = bytearray(), 0
    for piece in framing.pieces(file):
        size += len(piece)
        if size <= LARGEST_BODY:
            content += piece
            hold(len(piece))
        elif size > LARGEST_DISCARDED:
            return Body(None, size, complete=False)
    return Body(None if size > LARGEST_BODY else bytes(content), size, complete=True)


def _pieces(file: IO[bytes], length: int) -> Iterator[bytes]:
    while length:
        piece = file.read(min(length, PIECE))
        if not piece:
            raise Cut
        length -= len(piece)
        yield piece


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    for _ in range(MOST_CHUNKS):
        size = _chunk_size(file)
        if not size:
            _skip_trailers(file)
            return
        yield from _pieces(file, size)
        if _line(file) not in END_OF_LINE:
            raise BadBody(HTTPStatus.BAD_REQUEST)
    raise BadBody(HTTPStatus.BAD_REQUEST)


def _skip_trailers(file: IO[bytes]) -> None:
    for _ in range(MOST_TRAILERS):
        if _line(file) in END_OF_LINE:
            return
    raise BadBody(HTTPStatus.BAD_REQUEST)


def _chunk_size(file: IO[bytes]) -> int:
    found = CHUNK_SIZE.fullmatch(_line(file))
    if found is None:
        raise BadBody(HTTPStatus.BAD_REQUEST)
    return int(found[1], 16)


def _line(file: IO[bytes]) -> bytes:
    line = file.readline(LONGEST_LINE)
    if not line:
        raise Cut
    if not line.endswith(b"\n"):
        raise BadBody(HTTPStatus.BAD_REQUEST)
    return line
