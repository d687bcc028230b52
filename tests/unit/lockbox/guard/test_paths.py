"""A path means one thing, or is refused."""

from unicodedata import normalize
from urllib.parse import unquote, unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lockbox.errors import Forbidden
from lockbox.guard import paths

TRICKS = [
    "", "*", "alice", "//", "//documents", "/documents//alice", "/documents/alice//", "/.", "/..", "/./alice",
    "/documents/../alice", "/documents/..", "/documents/./alice", "/documents/.", "/%2e", "/%2e%2e/alice",
    "/.%2e/alice", "/%2E%2E/alice", "/documents/..%2falice", "/documents%2falice", "/documents%2Falice",
    "/documents%5calice", "/documents\\alice", "/documents/..\\alice", "/alice%00", "/alice%00.txt", "/alice%0a",
    "/alice%0d%0aX:1", "/alice%7f", "/alice%25", "/%252e%252e/alice", "/documents%252falice", "/alice;a=b",
    "/alice%3Ba=b", "/documents;/alice", "/..;/a", "/alice%3F", "/alice%23", "/alice#top", "/ali ce", "/ali\tce",
    "/alice\n", "/%", "/%2", "/%zz", "/%u002e", "/%c0%ae", "/%c0%af", "/%ff", "/%e9", "/é", "/%ed%a0%80",
    "/e%CC%81t%C3%A9", "/%EF%BC%8E%EF%BC%8E/alice", "/documents%EF%BC%8Falice", "/%E2%80%AEecila", "/ali%E2%80%8Bce",
    "/%C2%A0", "/%EF%BF%BD", "/%C2%85", "/a|b", "/a\"b", "/a<b", "/{a}", "/a^b", "/[a]", "http://a.example/alice",
    "/documents/alice?x",
]  # fmt: skip
PLAIN = [
    ("/", "/"),
    ("/documents/contoso/mailbox/alice", "/documents/contoso/mailbox/alice"),
    ("/documents/", "/documents/"),
    ("/%61lice", "/alice"),
    ("/alice%40contoso.example", "/alice@contoso.example"),
    ("/alice@contoso.example", "/alice@contoso.example"),
    ("/a+b", "/a+b"),
    ("/a%20b", "/a b"),
    ("/...", "/..."),
    ("/.hidden/a..b", "/.hidden/a..b"),
    ("/%C3%A9t%C3%A9", "/été"),
    ("/a~b!$&'()*+,=:@-._", "/a~b!$&'()*+,=:@-._"),
]
LETTERS = st.sampled_from([*"/.%2eEfF5cC;\\aA0?#~", "..", "%2f", "%25", "\x00", "é", "\u202e", "．", "%c3%a9"])
NEARLY = st.lists(LETTERS, max_size=12).map("".join).map("/".__add__)


@pytest.mark.parametrize("raw", TRICKS)
def test_decode_when_the_path_is_ambiguous_refuses(raw: str) -> None:
    with pytest.raises(Forbidden) as refused:
        paths.decode(raw)
    assert refused.value.code == "path_ambiguous"


@pytest.mark.parametrize(("raw", "path"), PLAIN)
def test_decode_when_the_path_is_plain_decodes_it_once(raw: str, path: str) -> None:
    assert paths.decode(raw) == path
    assert paths.decode(paths.encode(path)) == path


@given(st.text(max_size=40) | NEARLY)
@example("/%2525")
def test_decode_when_given_anything_accepts_what_every_reader_reads_alike(raw: str) -> None:
    try:
        path = paths.decode(raw)
    except Forbidden as refused:
        if refused.code != "path_ambiguous":
            raise
        return
    assert path == unquote(raw, errors="strict")
    assert path.encode() == unquote_to_bytes(raw)
    assert unquote(path) == path, "decoded twice it is the same"
    assert normalize("NFKC", path) == path
    assert paths.decode(paths.encode(path)) == path
    assert path.split("/")[1:] == [unquote(segment) for segment in raw.split("/")[1:]], "segments stay what they are"
    assert {"", ".", ".."}.isdisjoint(path.split("/")[1:-1])


@given(NEARLY, st.none() | NEARLY, st.sampled_from(["", "/app"]))
def test_as_asked_when_the_product_gets_another_path_refuses(path: str, raw: str | None, mount: str) -> None:
    try:
        address = paths.as_asked(path, raw, mount)
    except Forbidden as refused:
        if refused.code != "path_ambiguous":
            raise
        return
    assert paths.decode(address) == path


@pytest.mark.parametrize(
    ("path", "raw", "mount", "address"),
    [
        ("/alice@x", None, "", "/alice@x"),
        ("/alice@x", "/alice%40x", "", "/alice%40x"),
        ("/app/alice", "/alice", "/app", "/app/alice"),
        ("/app/alice", "/app/alice", "/app", "/app/alice"),
        ("/a b", None, "", "/a%20b"),
    ],
)
def test_as_asked_when_they_agree_gives_what_stood_in_the_request_line(
    path: str, raw: str | None, mount: str, address: str
) -> None:
    assert paths.as_asked(path, raw, mount) == address


@pytest.mark.parametrize(
    ("path", "raw"),
    [("/alice", "/bob"), ("/alice", "//alice"), ("/alice", "/x/../alice"), ("/a/b", "/a%2fb"), ("/alice", "/Alice")],
)
def test_as_asked_when_a_server_has_changed_the_path_refuses(path: str, raw: str) -> None:
    with pytest.raises(Forbidden) as refused:
        paths.as_asked(path, raw)
    assert refused.value.code == "path_ambiguous"
