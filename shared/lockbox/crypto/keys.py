"""Ed25519 keys (RFC 8032): made, kept in files, published as JWK (RFC 8037), named by their thumbprint (RFC 7638)."""

import base64
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from lockbox.crypto.jws import ALGORITHM, encoded
from lockbox.crypto.proof_keys import thumbprint
from lockbox.errors import Invalid


def public_jwk(key: Ed25519PublicKey) -> dict[str, Any]:
    """Return the JWK of a public key; its `kid` is the thumbprint."""
    return jwk_of(encoded(key.public_bytes_raw()).decode())


def jwk_of(x: str) -> dict[str, Any]:
    """Return the JWK of a public key that is given as 32 bytes in base64url."""
    required = {"crv": "Ed25519", "kty": "OKP", "x": x}
    return required | {"kid": thumbprint(required), "alg": ALGORITHM, "use": "sig"}


@dataclass(frozen=True)
class SigningKey:
    """A private key with the id of its public half."""

    kid: str
    private: Ed25519PrivateKey
    algorithm: ClassVar[str] = ALGORITHM

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> "SigningKey":
        """Return a private key with the thumbprint of its public half as id."""
        return cls(kid=str(public_jwk(private.public_key())["kid"]), private=private)

    def sign(self, data: bytes, /) -> bytes:
        """Return the Ed25519 signature, 64 bytes."""
        return self.private.sign(data)

    @property
    def jwk(self) -> dict[str, Any]:
        """The JWK of the public half."""
        return public_jwk(self.private.public_key())


def generate_signing_key(path: Path) -> None:
    """Generate a key into a new file that only its owner can read; raise FileExistsError."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)


def load_signing_key(path: Path) -> SigningKey:
    """Read a private key; raises `Invalid("key_file", ...)` if the file does not hold an Ed25519 one."""
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise Invalid("key_file", f"{path} holds no readable private key: {error}") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise Invalid("key_file", f"{path}: expected an Ed25519 key, got {type(private).__name__}")
    return SigningKey.of(private)


@dataclass(frozen=True, eq=False)
class PublicKeys:
    """Public keys by their `kid`; sets compare by identity, so that results can be cached for each set."""

    by_kid: Mapping[str, Ed25519PublicKey]

    @classmethod
    def from_jwks(cls, keys: Iterable[Mapping[str, Any]]) -> "PublicKeys":
        """Read the Ed25519 keys of a JWK Set and skip others; raise `Invalid("key_set", ...)` for anything else."""
        try:
            found = [_public_key(key["x"]) for key in keys if (key["kty"], key.get("crv")) == ("OKP", "Ed25519")]
        except (KeyError, TypeError, ValueError) as error:
            raise Invalid("key_set", f"not a JWK Set: {error!r}") from error
        return cls({public_jwk(key)["kid"]: key for key in found})


def _public_key(x: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(x + "=" * (-len(x) % 4)))
