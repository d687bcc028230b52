from email.message import Message
from http import HTTPStatus
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockbox.runtime.web import bodies
from lockbox.runtime.web.bodies import LARGEST_BODY, LARGEST_DISCARDED, BadBody, Body, Cut, Framing, read_body


def framing(*headers: tuple[str, str]) -> Framing:
    message = Message()
    for name, value in headers:
        message[name] = value
    return Framing.of(message)


def read(length: int | None, content: bytes) -> Body:
    return read_body(Framing(length), BytesIO(content), lambda _: None)


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ((), 0),
        ((("Content-Length", "5"),), 5),
        ((("Transfer-Encoding", "chunked"),), None),
        ((("Transfer-Encoding", " Chunked "),), None),
    ],
)
def test_framing_when_it_is_clear_is_known(headers: tuple[tuple[str, str], ...], length: int | None) -> None:
    assert framing(*headers) == Framing(length)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((("Content-Length", "-1"),), 400),
        ((("Content-Length", "+5"),), 400),
        ((("Content-Length", "5_0"),), 400),
        ((("Content-Length", "5, 5"),), 400),
        ((("Content-Length", "5"), ("Content-Length", "6")), 400),
        ((("Content-Length", "5"), ("Content-Length", " 5")), 400),
        ((("Content-Length", "9" * 19),), 400),
        ((("Content-Length", "5"), ("Transfer-Encoding", "chunked")), 400),
        ((("Transfer-Encoding", "gzip, chunked"),), 501),
        ((("Transfer-Encoding", "gzip"), ("Transfer-Encoding", "chunked")), 501),
        ((("Transfer-Encoding", "xchunked"),), 501),
    ],
)
def test_framing_when_it_is_not_clear_is_refused(headers: tuple[tuple[str, str], ...], status: int) -> None:
    with pytest.raises(BadBody) as refused:
        framing(*headers)
    assert refused.value.status == status


def test_body_with_a_length_when_read_ends_there() -> None:
    assert read(5, b"helloGET /") == Body(b"hello", 5, complete=True)


def test_body_in_chunks_when_read_is_put_together() -> None:
    content = b"5\r\nhello\r\n1;ext=1\r\n \r\n5\r\nthere\r\n0\r\nTrailer: x\r\n\r\nGET /"
    file = BytesIO(content)
    assert read_body(Framing(None), file, lambda _: None) == Body(b"hello there", 11, complete=True)
    assert file.read() == b"GET /"


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=20))
def test_body_in_chunks_when_cut_anywhere_is_the_same(parts: list[bytes]) -> None:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    assert read(None, chunks + b"0\r\n\r\n").content == b"".join(parts)


@pytest.mark.parametrize(
    ("length", "content"), [(5, b"hel"), (None, b"5\r\nhel"), (None, b"5\r\nhello\r\n"), (None, b""), (None, b"0\r\n")]
)
def test_body_when_its_end_does_not_come_is_cut(length: int | None, content: bytes) -> None:
    with pytest.raises(Cut):
        read(length, content)


@pytest.mark.parametrize(
    "content",
    [
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b" 5\r\nhello\r\n0\r\n\r\n",
        b"\r\nhello",
        b"5\r\nhelloXX0\r\n\r\n",
        b"5;" + b"x" * bodies.LONGEST_LINE + b"\r\nhello\r\n0\r\n\r\n",
        b"1\r\nx\r\n" * (bodies.MOST_CHUNKS + 1),
        b"0\r\n" + b"a: b\r\n" * (bodies.MOST_TRAILERS + 1),
    ],
    ids=["negative", "prefix", "blank", "empty", "no end", "long line", "many chunks", "many trailers"],
)
def test_body_in_chunks_when_malformed_is_refused(content: bytes) -> None:
    with pytest.raises(BadBody) as refused:
        read(None, content)
    assert refused.value.status == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    ("size", "kept", "complete"),
    [(LARGEST_BODY, True, True), (LARGEST_BODY + 1, False, True), (LARGEST_DISCARDED + 1, False, False)],
)
def test_body_when_too_large_is_dropped_and_read_only_so_far(size: int, kept: bool, complete: bool) -> None:
    held: list[int] = []
    body = read_body(Framing(size), BytesIO(bytes(size)), held.append)
    assert (body.content is not None, body.complete) == (kept, complete)
    assert body.size > LARGEST_BODY or body.content == bytes(size)
    assert sum(held) <= LARGEST_BODY


def test_length_when_too_large_is_known_before_the_body_is_read() -> None:
    assert Framing(LARGEST_BODY + 1).too_large
    assert not Framing(LARGEST_BODY).too_large
    assert not Framing(None).too_large
