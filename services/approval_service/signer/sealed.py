"""Signing keys sealed in this service's own database, and the choice of another `Signer` by the settings."""

import base64
import binascii
import secrets
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from approval_service.domain.keyring import MadeKey
from approval_service.settings import SignerSettings
from approval_service.usecases.keys import Signer
from lockbox.crypto.jws import Signs
from lockbox.crypto.keys import public_jwk
from lockbox.errors import Invalid, Unavailable
from lockbox.runtime.host.settings import Config, read_settings

KEY_BYTES, NONCE_BYTES = 32, 12
SEALED = "approval_service.signer.sealed:sealed"


class SealedSigner:
    """Keys that are kept with the keyring, sealed with AES-256-GCM (NIST SP 800-38D) under a key that is not."""

    def __init__(self, key: bytes) -> None:
        """`key`: the 32 bytes that all others are sealed with."""
        self._box = AESGCM(key)

    def make(self) -> MadeKey:
        """Make a key; its handle is the sealed private half."""
        private = Ed25519PrivateKey.generate()
        jwk = public_jwk(private.public_key())
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + self._box.encrypt(nonce, private.private_bytes_raw(), jwk["kid"].encode())
        handle = base64.b64encode(sealed).decode()
        return MadeKey(kid=jwk["kid"], x=jwk["x"], handle=handle, kept_in="database, sealed")

    def find(self, kid: str, handle: str) -> Signs:
        """Unseal a key."""
        try:
            sealed = base64.b64decode(handle, validate=True)
            raw = self._box.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], kid.encode())
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise Unavailable(
                "signing_key_sealed", "the key that signs can't be unsealed with the key at hand"
            ) from error
        return Ed25519PrivateKey.from_private_bytes(raw)

    def forget(self, handle: str) -> None:
        """Do nothing: the key was in the keyring alone."""


def sealed(settings: SignerSettings) -> Signer:
    """Return the signer that needs one file alone, with 32 bytes in hexadecimal."""
    path = Path(settings.required("key_encryption_key"))
    try:
        key = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError) as error:
        raise Invalid("key_encryption_key", f"{path} holds no readable key: {error}") from error
    if len(key) != KEY_BYTES:
        raise Invalid("key_encryption_key", f"{path}: expected {KEY_BYTES} bytes in hexadecimal, got {len(key)}")
    return SealedSigner(key)


def signer(config: Config) -> Signer:
    """Return the signer that the settings name, as `module:function`; the function takes the settings."""
    settings = read_settings(SignerSettings, config)
    module, _, function = settings.signer.partition(":")
    try:
        make = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise Invalid(
            "signer", f"lockbox.signer: expected module:function, got {settings.signer!r}: {error}"
        ) from error
    return cast(Callable[[SignerSettings], Signer], make)(settings)
