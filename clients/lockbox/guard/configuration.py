"""A guard by configuration alone, read once at start. All that is wrong with it is named, and then nothing starts.

As a file, it is TOML:

portal = "https://lockbox.vendor.example"
token_file = "/run/secrets/lockbox-token"
origin = "https://files.vendor.example"

[[routes]]
path = "/documents/{tenant}/{resource...}"
actions = {GET = "read", HEAD = "read", PUT = "write"}

[[routes]]
path = "/healthz"
open = true
"""

import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from marshmallow import ValidationError, validate
from marshmallow import fields as kinds

from lockbox.contracts import wire
from lockbox.contracts.fields import Count, Flag, TextField
from lockbox.crypto.possession import PORTS
from lockbox.errors import Fault, Invalid
from lockbox.guard.guard import Guard, Options
from lockbox.guard.middleware import Door
from lockbox.guard.routes import Route, Routes

HOST = r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
ORIGIN = re.compile(rf"(https?)://{HOST}(?::([1-9][0-9]{{0,4}}))?\Z")
HIGHEST_PORT = 65_535

S = TypeVar("S", bound="GuardSettings")


def require_origin(text: str) -> None:
    """A rule: scheme, host and port as browsers name them."""
    found = ORIGIN.match(text)
    port = int(found[2] or 0) if found else 0
    if found is None or port > HIGHEST_PORT or port == PORTS[found[1]]:
        raise ValidationError(
            "scheme, host and port in lower case, such as https://files.vendor.example, without the usual port"
        )


class OriginField(TextField):
    """Where something is: scheme, host and port."""

    rule = staticmethod(require_origin)


class HeaderField(TextField):
    """The name of a header."""

    rule = validate.Regexp(r"[A-Za-z0-9-]{1,64}\Z", error="the name of a header, such as X-Client-Cert")


class SecondsField(kinds.Float):
    """A time."""

    default_error_messages = dict.fromkeys(("invalid", "special"), "seconds, such as 5 or 0.5")

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"validate": validate.Range(0, 3600, error="0 to 3600 seconds"), **options})


Origin = Annotated[str, OriginField]
Header = Annotated[str, HeaderField]
Seconds = Annotated[float, SecondsField]
Frontend = Literal["nginx", "traefik", "envoy"]


@dataclass(frozen=True, kw_only=True)
class GuardSettings:
    """What a guard has to be told; the meaning of what is optional is that of `Options`."""

    portal: Origin
    token_file: str
    stale_after: Seconds | None = field(
        default=None,
        metadata={"validate": validate.Range(2, 3600, error="2 to 3600 seconds, as news come each second")},
    )
    skew: Seconds | None = None
    clock_bound: Seconds | None = None
    binding: Literal["required", "optional"] | None = None
    spool: str | None = None
    spool_bytes: Count | None = field(default=None, metadata={"validate": validate.Range(1, error="one byte at least")})
    spool_sync: Flag | None = None

    @classmethod
    def faults(cls, told: object) -> Iterator[Fault]:
        """Everything that is wrong with settings as they are told."""
        try:
            wire.decode(cls, told)
        except Invalid as error:
            yield from error.faults

    def guard(self) -> Guard:
        """The guard; raises `Invalid` if it can't read its token or write its spool."""
        told = wire.named(Options, self)
        options = {name: value for name, value in told.items() if value is not None}
        if self.spool is not None:
            options["spool"] = Path(self.spool)
        try:
            return Guard(self.portal, Path(self.token_file), Options(**options))
        except (OSError, ValueError) as error:
            raise Invalid("guard_settings", f"the guard can't begin: {error}") from error


@dataclass(frozen=True, kw_only=True)
class DoorSettings(GuardSettings):
    """What a front door has to be told; `frontend` only where it is not inside the product."""

    origin: Origin
    certificate_header: Header | None = None
    frontend: Frontend | None = None
    routes: list[Route] = field(metadata={"validate": validate.Length(1, error="one route at least")})

    @classmethod
    def faults(cls, told: object) -> Iterator[Fault]:
        """Everything that is wrong, with each route that can be read too."""
        yield from super().faults(told)
        routes = told.get("routes") if isinstance(told, dict) else None
        for number, route in enumerate(routes if isinstance(routes, list) else []):
            with suppress(Invalid):
                for fault in wire.decode(Route, route).faults():
                    yield fault | {"field": f"routes.{number}.{fault['field']}"}

    def door(self) -> Door:
        """The door, and its guard."""
        return Door(self.guard(), Routes(self.routes), self.origin, self.certificate_header)


@dataclass(frozen=True, kw_only=True)
class ServeSettings(DoorSettings):
    """What `lockbox guard serve` has to be told; `frontend` is who asks it."""

    frontend: Frontend = field(metadata={"error_messages": {"required": "one of nginx, traefik, envoy"}})


def read_settings(kind: type[S], told: object, folder: Path) -> S:
    """Settings as they are told, paths beginning at a folder; raises `Invalid`, whose message names every fault."""
    faults = list(kind.faults(told))
    if faults:
        raise Invalid("guard_settings", "\n".join(map(_line, faults)), faults)
    settings = wire.decode(kind, told)
    spool = settings.spool and str(folder / settings.spool)
    return replace(settings, token_file=str(folder / settings.token_file), spool=spool)


def read_file(path: Path, kind: type[S]) -> S:
    """The settings in a TOML file; raises `Invalid`, whose message names every fault."""
    try:
        told = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Invalid("guard_settings", f"it can't be read as TOML: {error}") from error
    return read_settings(kind, told, path.parent)


def door_of(path: Path) -> Door:
    """The door that a TOML file tells, and its guard; raises `Invalid`, whose message names every fault."""
    return read_file(path, DoorSettings).door()


def _line(fault: Fault) -> str:
    got = f", got {fault['received']!r}" if "received" in fault else ""
    return f"{fault['field'].removesuffix('.value')}: expected {fault['expected']}{got}"
