"""Settings of portal_service."""

from dataclasses import dataclass, field
from pathlib import Path

from lockbox.contracts import wire
from lockbox.contracts.fields import Count
from lockbox.contracts.rules import Bounds
from lockbox.runtime.host.settings import Config, read_settings
from lockbox.values.json_text import read_json
from portal_service.domain.seed import Seed

MOST_PROXIES = 10


@dataclass(frozen=True)
class Settings:
    """`portal_url`: the address that people use; with https, cookies are for https alone.

    `web_key`: the file with the secret that forms are protected with. `seed`: a file with the first members, if any.
    `trusted_proxies`: the number of proxies in front, each of which adds its client to `X-Forwarded-For`.
    """

    portal_url: str
    web_key: str
    seed: str | None = None
    trusted_proxies: Count = field(default=0, metadata={"validate": Bounds(0, MOST_PROXIES)})


@dataclass(frozen=True)
class WebSettings:
    """The settings of the web application; `secure`: cookies are sent over https alone."""

    portal_url: str
    secret: str
    secure: bool
    trusted_proxies: int = 0


def web_settings(config: Config) -> WebSettings:
    """Return the settings of the web application."""
    settings = read_settings(Settings, config)
    secret = Path(settings.web_key).read_text().strip()
    return WebSettings(
        portal_url=settings.portal_url,
        secret=secret,
        secure=settings.portal_url.startswith("https://"),
        trusted_proxies=settings.trusted_proxies,
    )


def seed(config: Config) -> Seed:
    """Return the first members; raises `Invalid` for a seed that can't be read."""
    path = read_settings(Settings, config).seed
    if path is None:
        return Seed(members=())
    return wire.decode(Seed, read_json(Path(path).read_text())).require_tenants()
