"""Signing keys in a device that they never leave, over PKCS#11 (OASIS, v3.0) with EdDSA.

Tested with SoftHSM. A key-management service in a cloud is reached through its own PKCS#11 library, or through a
`Signer` of one's own.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pkcs11
from eventlet import patcher, tpool
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.ec import encode_named_curve_parameters

from approval_service.domain.keyring import MadeKey
from approval_service.settings import SignerSettings
from approval_service.usecases.keys import Signer
from lockbox.crypto.jws import Signs, encoded
from lockbox.crypto.keys import jwk_of
from lockbox.errors import Invalid, Unavailable

LABEL = "lockbox-grants"
HANDLE = re.compile(r"[0-9a-f]{32}")
POINT_BYTES = 32
ED25519 = "1.3.101.112"
"""The curve by its object identifier (RFC 8410)."""


class Pkcs11Signer:
    """A token in a device. Each operation has a session of its own, so that a device may come and go.

    It runs in a thread, as a device may be far away, and what else this service does should not wait for it.
    """

    def __init__(self, module: str, token: str, pin: str) -> None:
        """`module`: the path of the device's library; `token`: the label of the token."""
        self._module = module
        self._label = token
        self._pin = pin
        self._one_at_a_time = patcher.original("threading").Lock()

    def make(self) -> MadeKey:
        """Create a key in the device; its id is its handle."""
        made: MadeKey = tpool.execute(self._make)
        return made

    def find(self, kid: str, handle: str) -> Signs:
        """Return a key in the device."""
        return DeviceKey(self, handle)

    def forget(self, handle: str) -> None:
        """Destroy both halves; does nothing about a key that was kept elsewhere."""
        tpool.execute(self._forget, handle)

    def sign(self, handle: str, data: bytes) -> bytes:
        """Sign with a key in the device."""
        return bytes(tpool.execute(self._sign, handle, data))

    def _make(self) -> MadeKey:
        handle = secrets.token_hex(16)
        with self._session(rw=True) as session:
            curve = {Attribute.EC_PARAMS: encode_named_curve_parameters(ED25519)}
            parameters = session.create_domain_parameters(KeyType.EC_EDWARDS, curve, local=True)
            public, _ = parameters.generate_keypair(
                mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, id=bytes.fromhex(handle), label=LABEL
            )
            point = bytes(public[Attribute.EC_POINT])
        x = encoded(point[-POINT_BYTES:]).decode()  # the device may or may not wrap it in an OCTET STRING
        return MadeKey(kid=jwk_of(x)["kid"], x=x, handle=handle, kept_in=f"PKCS#11 token {self._label}")

    def _forget(self, handle: str) -> None:
        if not HANDLE.fullmatch(handle):
            return  # it was kept elsewhere
        with self._session(rw=True) as session:
            for found in list(session.get_objects({Attribute.ID: bytes.fromhex(handle)})):
                found.destroy()

    def _sign(self, handle: str, data: bytes) -> bytes:
        with self._session() as session:
            key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=bytes.fromhex(handle))
            return bytes(key.sign(data, mechanism=Mechanism.EDDSA))

    @contextmanager
    def _session(self, *, rw: bool = False) -> Iterator[Any]:
        try:
            with self._one_at_a_time:
                token = pkcs11.lib(self._module).get_token(token_label=self._label)
                with token.open(rw=rw, user_pin=self._pin) as session:
                    yield session
        except (pkcs11.PKCS11Error, RuntimeError, ValueError) as error:
            raise Unavailable(
                "signer_unavailable", f"the device that holds the keys does not answer: {error!r}"
            ) from error


class DeviceKey:
    """A private key in a device."""

    def __init__(self, device: Pkcs11Signer, handle: str) -> None:
        self._device = device
        self._handle = handle

    def sign(self, data: bytes, /) -> bytes:
        """Return an Ed25519 signature, 64 bytes."""
        return self._device.sign(self._handle, data)


def signer(settings: SignerSettings) -> Signer:
    """Return the signer of the device that the settings name."""
    pin_file = Path(settings.required("pkcs11_pin_file"))
    try:
        pin = pin_file.read_text().strip()
    except (OSError, ValueError) as error:
        raise Invalid("pkcs11_pin_file", f"{pin_file} can't be read: {error}") from error
    return Pkcs11Signer(settings.required("pkcs11_module"), settings.required("pkcs11_token"), pin)
