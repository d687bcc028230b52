"""The secrets of a deployment, generated once and then read."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from lockbox.crypto.keys import generate_signing_key, load_signing_key
from lockbox.provision.files import private_directory, write_private_json

SERVICES = ("request_service", "approval_service", "notify_service", "audit_service", "portal_service")
ADMIN = "lockbox_admin"


@dataclass(frozen=True)
class Secrets:
    """Passwords of broker and database by user name, keys, and the token of the demo's enforcement point.

    `key_encryption_key` seals the keys that sign grants: 32 bytes in hexadecimal.
    """

    broker: dict[str, str]
    database: dict[str, str]
    database_key: str
    key_encryption_key: str
    web_key: str
    enforcement_point_token: str


@dataclass(frozen=True)
class SecretFiles:
    """The directory with the secrets of a deployment."""

    directory: Path

    @property
    def caller_key(self) -> Path:
        """The file of the private key that signs caller tokens; for portal_service alone."""
        return self.directory / "caller.pem"

    @property
    def caller_keys(self) -> Path:
        """The file of its public key as a JWK Set; for every service."""
        return self.directory / "callers.jwks.json"

    def ensure(self) -> Secrets:
        """Read the secrets; generate those that do not exist."""
        private_directory(self.directory)
        if not self.caller_key.exists():
            generate_signing_key(self.caller_key)
        write_private_json(self.caller_keys, {"keys": [load_signing_key(self.caller_key).jwk]})
        known = json.loads(self._passwords.read_text()) if self._passwords.exists() else {}
        write_private_json(self._passwords, asdict(_generate()) | known)
        return self.read()

    def read(self) -> Secrets:
        """Read the secrets that exist."""
        return Secrets(**json.loads(self._passwords.read_text()))

    @property
    def _passwords(self) -> Path:
        return self.directory / "passwords.json"


def _generate() -> Secrets:
    users = (*SERVICES, ADMIN)
    return Secrets(
        broker={user: secrets.token_urlsafe(24) for user in users},
        database={user: secrets.token_urlsafe(24) for user in users},
        database_key=secrets.token_hex(128),
        key_encryption_key=secrets.token_hex(32),
        web_key=secrets.token_urlsafe(48),
        enforcement_point_token=f"lbk_{secrets.token_urlsafe(32)}",
    )
