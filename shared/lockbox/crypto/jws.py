"""Compact JWS (RFC 7515) with signatures of 64 bytes, made and read strictly: one form, no options.

Read by hand and not by a general library, because a guard reads one for each access: here is what that costs, and all
that is accepted. A test holds it against PyJWT.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from cryptography.exceptions import InvalidSignature

from lockbox.crypto.canonical import canonical
from lockbox.errors import Forbidden

LONGEST = 16_384
FORM = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{86})\Z")
ALGORITHM = "EdDSA"


class Signs(Protocol):
    """A private key, wherever it is kept."""

    def sign(self, data: bytes, /) -> bytes:
        """Return the 64 bytes of a signature."""


class Verifies(Protocol):
    """A public key."""

    def verify(self, signature: bytes, data: bytes, /) -> None:
        """Raise `InvalidSignature` unless this key signed the data."""


@dataclass(frozen=True)
class Jws:
    """A token in its parts; no part counts before `verify`."""

    header: Mapping[str, Any]
    payload: Mapping[str, Any]
    signed: bytes
    signature: bytes

    def verify(self, key: Verifies) -> None:
        """Raise `Forbidden("token_forged", ...)` unless this key signed it."""
        try:
            key.verify(self.signature, self.signed)
        except InvalidSignature as error:
            raise Forbidden("token_forged", "the token does not verify") from error


def compose(header: Mapping[str, Any], payload: Mapping[str, Any], key: Signs) -> str:
    """Sign header and payload; the same input gives the same token."""
    signed = b".".join(encoded(canonical(part)) for part in ({"alg": ALGORITHM, **header}, payload))
    return (signed + b"." + encoded(key.sign(signed))).decode()


def parse(token: object, *types: str, algorithms: tuple[str, ...] = (ALGORITHM,)) -> Jws:
    """Return the parts of a token of one of these types; raise `Forbidden("token_malformed")` for anything else."""
    found = FORM.match(token) if isinstance(token, str) and len(token) <= LONGEST else None
    if found is None:
        raise malformed(f"expected a compact JWS of at most {LONGEST} characters")
    header, payload, signature = (decoded(part) for part in found.groups())
    parts = Jws(_json(header), _json(payload), found[0].rpartition(".")[0].encode(), signature)
    if parts.header.get("typ") not in types:
        raise malformed(f"expected a token of type {' or '.join(types)}, got {str(parts.header.get('typ'))[:40]!r}")
    if parts.header.get("alg") not in algorithms or "crit" in parts.header or "b64" in parts.header:
        raise malformed(
            f"expected the algorithm {' or '.join(algorithms)} and no extension, got {str(parts.header)[:80]}"
        )
    return parts


def encoded(data: bytes) -> bytes:
    """Encode as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def decoded(text: str) -> bytes:
    """Decode base64url without padding; raise `Forbidden` for any other text."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise malformed("not base64url") from error
    if encoded(data).decode() != text:
        raise malformed("not base64url as it is written")
    return data


def malformed(message: str) -> Forbidden:
    """Return the error for a token that can't be read."""
    return Forbidden("token_malformed", message)


def _json(data: bytes) -> Mapping[str, Any]:
    try:
        value = orjson.loads(data)
    except ValueError as error:
        raise malformed("a part is not JSON") from error
    if not isinstance(value, dict):
        raise malformed("a part is no JSON object")
    return value
