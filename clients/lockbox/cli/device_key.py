"""The own key of an engineer in a device: P-256, over PKCS#11 (OASIS, v3.0), which security keys and TPMs have."""

import getpass
import hashlib
import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

from lockbox.cli.session import CommandError, require_private, write_private
from lockbox.crypto.proof_keys import p256_jwk, thumbprint

PIN = "LOCKBOX_KEY_PIN"
P256 = "secp256r1"
LABEL = "lockbox-engineer"
POINT_BYTES = 65
"""An uncompressed point: 0x04, x, y (SEC 1, section 2.3.3)."""


@dataclass(frozen=True)
class KeyInDevice:
    """A key that never leaves its device: the device's library, the label of the token, and the id of the key."""

    module: str
    token: str
    id: str
    x: str
    y: str
    algorithm: ClassVar[str] = "ES256"

    @property
    def jwk(self) -> dict[str, Any]:
        """The JWK of the public half."""
        return {"crv": "P-256", "kty": "EC", "x": self.x, "y": self.y}

    @property
    def kid(self) -> str:
        """The thumbprint of the key."""
        return thumbprint(self.jwk)

    def sign(self, data: bytes, /) -> bytes:
        """Sign in the device; the signature is `r` and `s`, 32 bytes each (RFC 7518, section 3.4)."""
        pkcs11 = _library()
        with _session(self.module, self.token) as session:
            key = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, id=bytes.fromhex(self.id))
            return bytes(key.sign(hashlib.sha256(data).digest(), mechanism=pkcs11.Mechanism.ECDSA))


def make_device_key(module: str, token: str) -> KeyInDevice:
    """Create a key in a device; raise `CommandError` if the device can't."""
    pkcs11, made = _library(), secrets.token_hex(16)
    curve = {pkcs11.Attribute.EC_PARAMS: _curve()}
    with _session(module, token, rw=True) as session:
        parameters = session.create_domain_parameters(pkcs11.KeyType.EC, curve, local=True)
        public, _ = parameters.generate_keypair(store=True, id=bytes.fromhex(made), label=LABEL)
        point = bytes(public[pkcs11.Attribute.EC_POINT])[-POINT_BYTES:]  # a device may wrap it in an OCTET STRING
    jwk = p256_jwk(EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point))
    return KeyInDevice(str(module), token, made, jwk["x"], jwk["y"])


def save_device_key(key: KeyInDevice, path: Path) -> None:
    """Write down which key of which device it is, for the owner alone; the key itself stays in the device."""
    write_private(path, asdict(key))


def load_device_key(path: Path) -> KeyInDevice:
    """Read which key of which device it is; raise `CommandError` if the file is unsafe or says something else."""
    require_private(path)
    try:
        found = KeyInDevice(**json.loads(path.read_text()))
        if not all(isinstance(value, str) for value in asdict(found).values()) or not bytes.fromhex(found.id):
            raise ValueError("expected texts")
    except (ValueError, TypeError) as error:
        raise CommandError(f"{path} names no key of a device; `lockbox key new` makes another one") from error
    return found


def _curve() -> Any:
    from pkcs11.util.ec import encode_named_curve_parameters

    return encode_named_curve_parameters(P256)


def _library() -> Any:
    try:
        import pkcs11
    except ImportError as error:
        raise CommandError("keys in a device need another package: pip install 'lockbox-cli[pkcs11]'") from error
    return pkcs11


@contextmanager
def _session(module: str, token: str, *, rw: bool = False) -> Iterator[Any]:
    pkcs11 = _library()
    try:
        slot = pkcs11.lib(module).get_token(token_label=token)
        with slot.open(rw=rw, user_pin=_pin(token)) as session:
            yield session
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
        raise CommandError(
            f"the device's token {token!r} ({module}): {type(error).__name__} {error}".rstrip()
        ) from error


def _pin(token: str) -> str:
    """Return the PIN: of the variable `LOCKBOX_KEY_PIN`, or typed in."""
    if given := os.environ.get(PIN):
        return given
    if not sys.stdin.isatty():
        raise CommandError(f"the token {token!r} needs its PIN: set {PIN}, or use a terminal")
    return getpass.getpass(f"PIN of {token}: ")
