"""Settings of portal_service."""

import json
from dataclasses import dataclass
from pathlib import Path

from lockbox.contracts import wire
from lockbox.runtime.host.settings import Config, read_settings
from portal_service.domain.seed import Seed


@dataclass(frozen=True)
class Settings:
    """`portal_url`: the address that people use; with https, cookies are for https alone.

    `web_key`: the file with the secret that forms are protected with. `seed`: a file with the first members, if any.
    """

    portal_url: str
    web_key: str
    seed: str | None = None


@dataclass(frozen=True)
class WebSettings:
    """The settings of the web application; `secure`: cookies are sent over https alone."""

    portal_url: str
    secret: str
    secure: bool


def web_settings(config: Config) -> WebSettings:
    """Return the settings of the web application."""
    settings = read_settings(Settings, config)
    secret = Path(settings.web_key).read_text().strip()
    return WebSettings(portal_url=settings.portal_url, secret=secret, secure=settings.portal_url.startswith("https://"))


def seed(config: Config) -> Seed:
    """Return the first members; raises `Invalid` for a seed that can't be read."""
    path = read_settings(Settings, config).seed
    if path is None:
        return Seed(members=())
    return wire.decode(Seed, json.loads(Path(path).read_text())).require_tenants()
