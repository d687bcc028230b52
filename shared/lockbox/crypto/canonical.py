"""Canonical JSON (RFC 8785): the same value gives the same bytes, everywhere, so that it can be hashed and signed."""

import hashlib
from typing import Any, cast

import orjson
import rfc8785

LARGEST_INTEGER = 2**53 - 1


def canonical(data: object) -> bytes:
    """Return the canonical bytes of a JSON value.

    A value without numbers that have a fraction, and whose names are ASCII, is written by orjson: its bytes are the
    same, and it is ten times as fast.
    """
    if _is_plain(data):
        try:
            return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
        except TypeError:
            pass  # a lone surrogate: let the other one say so
    return rfc8785.dumps(cast(Any, data))


def digest(data: bytes) -> str:
    """Return the SHA-256 of bytes, in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _is_plain(value: object) -> bool:
    kind = type(value)
    if kind is dict:
        named = cast(dict[object, object], value)
        return all(type(name) is str and name.isascii() for name in named) and all(map(_is_plain, named.values()))
    if kind is list:
        return all(map(_is_plain, cast(list[object], value)))
    if kind is int:
        return -LARGEST_INTEGER <= cast(int, value) <= LARGEST_INTEGER
    return kind is str or kind is bool or value is None
