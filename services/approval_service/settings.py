"""Settings of approval_service."""

from dataclasses import dataclass
from pathlib import Path

from lockbox.crypto.keys import SigningKey, load_signing_key
from lockbox.runtime.settings import Config, read_settings


@dataclass(frozen=True)
class Settings:
    """`grant_signing_key`: the file with the private key that signs grants, readable by this service alone."""

    grant_signing_key: str


def signing_key(config: Config) -> SigningKey:
    """The key that grants are signed with."""
    return load_signing_key(Path(read_settings(Settings, config).grant_signing_key))
