"""Keys of proofs: Ed25519 (RFC 8037) and P-256 (RFC 7518), each read from one form of JWK, named by its thumbprint.

An Ed25519 key signs as `EdDSA` (RFC 8037) or `Ed25519` (RFC 9864), a P-256 key as `ES256`. Hardware keys, TPMs and
browsers often have P-256 alone.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from lockbox.crypto.canonical import canonical
from lockbox.crypto.jws import decoded, encoded, malformed

ED25519_ALGORITHMS, P256_ALGORITHMS = ("EdDSA", "Ed25519"), ("ES256",)
ALGORITHMS = ED25519_ALGORITHMS + P256_ALGORITHMS
"""The algorithms of proofs, as `WWW-Authenticate` lists them (RFC 9449, section 7.1)."""
COORDINATE_BYTES = 32
KEYS_KNOWN_AT_MOST = 1_000
PRIVATE = ("d", "p", "q", "k")


@dataclass(frozen=True)
class P256PublicKey:
    """A P-256 key that verifies the signatures of JWS: `r` and `s`, 32 bytes each (RFC 7518, section 3.4)."""

    key: EllipticCurvePublicKey

    def verify(self, signature: bytes, data: bytes, /) -> None:
        """Raise `InvalidSignature` unless this key signed the data."""
        if len(signature) != 2 * COORDINATE_BYTES:
            raise InvalidSignature
        r, s = (int.from_bytes(half) for half in (signature[:COORDINATE_BYTES], signature[COORDINATE_BYTES:]))
        self.key.verify(encode_dss_signature(r, s), data, ECDSA(SHA256()))


@dataclass(frozen=True)
class ProofKey:
    """A public key of proofs, its thumbprint (RFC 7638), and the algorithms that it signs with."""

    key: Ed25519PublicKey | P256PublicKey
    thumbprint: str
    algorithms: tuple[str, ...]


def proof_key(jwk: object) -> ProofKey:
    """Read a public JWK; raise `Forbidden("token_malformed", ...)` for any other key, or for a private one."""
    if not isinstance(jwk, Mapping) or any(name in jwk for name in PRIVATE):
        raise malformed("a proof names its public key, and no private one")
    kind = (jwk.get("kty"), jwk.get("crv"))
    if kind == ("OKP", "Ed25519"):
        return _ed25519(_text(jwk, "x"))
    if kind == ("EC", "P-256"):
        return _p256(_text(jwk, "x"), _text(jwk, "y"))
    raise malformed(f"expected a key of kty OKP and crv Ed25519, or of EC and P-256, got {str(kind)[:80]}")


def required_members(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a JWK that its thumbprint covers (RFC 7638, section 3.2)."""
    return {name: jwk[name] for name in ("crv", "kty", "x", "y") if name in jwk}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return the thumbprint of a JWK: base64url of the SHA-256 of its required members."""
    return encoded(hashlib.sha256(canonical(required_members(jwk))).digest()).decode()


def p256_jwk(key: EllipticCurvePublicKey) -> dict[str, Any]:
    """Return the JWK of a P-256 key."""
    point = key.public_numbers()
    x, y = (encoded(value.to_bytes(COORDINATE_BYTES)).decode() for value in (point.x, point.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


@lru_cache(KEYS_KNOWN_AT_MOST)
def _ed25519(x: str) -> ProofKey:
    """Return the key; the same keys come again and again."""
    named = thumbprint({"crv": "Ed25519", "kty": "OKP", "x": x})
    return ProofKey(Ed25519PublicKey.from_public_bytes(_coordinate(x)), named, ED25519_ALGORITHMS)


@lru_cache(KEYS_KNOWN_AT_MOST)
def _p256(x: str, y: str) -> ProofKey:
    numbers = EllipticCurvePublicNumbers(int.from_bytes(_coordinate(x)), int.from_bytes(_coordinate(y)), SECP256R1())
    try:
        key = numbers.public_key()
    except ValueError as error:
        raise malformed("the point is not on the curve P-256") from error
    return ProofKey(P256PublicKey(key), thumbprint({"crv": "P-256", "kty": "EC", "x": x, "y": y}), P256_ALGORITHMS)


def _text(jwk: Mapping[str, Any], name: str) -> str:
    value = jwk.get(name)
    if not isinstance(value, str) or len(value) > 2 * COORDINATE_BYTES:
        raise malformed(f"{name} of a key is {COORDINATE_BYTES} bytes in base64url")
    return value


def _coordinate(text: str) -> bytes:
    raw = decoded(text)
    if len(raw) != COORDINATE_BYTES:
        raise malformed(f"expected {COORDINATE_BYTES} bytes in each coordinate of a key, got {len(raw)}")
    return raw
