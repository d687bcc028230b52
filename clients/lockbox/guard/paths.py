"""The path of a request, read in one way only: a path that another program could read differently is refused.

Proxies, servers and products disagree about `..`, `//`, `%2F`, `%252e`, backslashes, `;` and letters that look alike.
Such a path can't be judged, as the product may serve another one; the code is `path_ambiguous`.
"""

import re
from unicodedata import normalize
from urllib.parse import quote, unquote_to_bytes

from lockbox.errors import Forbidden

PLAIN = "~!$&'()*+,=:@"
SEGMENT = rf"/(?:[A-Za-z0-9._{PLAIN}-]|%[0-9A-Fa-f]{{2}})+"
RAW = re.compile(rf"(?=/)(?:{SEGMENT})*/?\Z")
DECODED_TWICE = re.compile(r"[%\\;?#\ufffd]")


def decode(raw: str) -> str:
    """Decode the path of a request line, without its query, exactly once; raises `Forbidden`."""
    if RAW.match(raw) is None:
        raise ambiguous("expected segments of the letters that RFC 3986 has for them, none empty and none with ;")
    try:
        path = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise ambiguous("expected UTF-8") from error
    if path.count("/") != raw.count("/"):
        raise ambiguous("a slash is encoded")
    return plain(path)


def plain(path: str) -> str:
    """Return a decoded path if it can be read in one way only; raises `Forbidden`."""
    root, *segments = path.split("/")
    if root or not segments or "" in segments[:-1] or not {".", ".."}.isdisjoint(segments):
        raise ambiguous("expected segments, none of them empty, . or ..")
    if DECODED_TWICE.search(path) or not path.isprintable():
        raise ambiguous("expected no control character and none of % \\ ; ? #")
    if not path.isascii() and normalize("NFKC", path) != path:
        raise ambiguous("expected letters in their normal form (NFKC)")
    return path


def encode(path: str) -> str:
    """Encode a path for a request line."""
    return quote(path, safe="/" + PLAIN)


def as_asked(path: str, raw: str | None, mount: str = "") -> str:
    """Return the request line's path for `path`, which the product gets; raises `Forbidden` if they differ.

    `raw` is the request line's path, where the server reports it; `mount` is the prefix that a proxy has removed.
    """
    plain(path)
    if raw is None:
        return encode(path)
    asked = decode(raw)
    if asked == path:
        return raw
    if mount + asked == path:
        return encode(mount) + raw
    raise ambiguous("the product gets another path than was asked for")


def ambiguous(message: str) -> Forbidden:
    """Return the error for a path that can be read in more than one way."""
    return Forbidden("path_ambiguous", message)
