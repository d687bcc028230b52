"""A guard's settings, read once at start. Every fault is named, and with one fault nothing starts.

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
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from lockbox.crypto.possession import PORTS
from lockbox.errors import Fault, Invalid
from lockbox.guard import tables
from lockbox.guard.guard import Guard, Options
from lockbox.guard.middleware import RequestGuard
from lockbox.guard.routes import Route, Routes
from lockbox.guard.tables import Unfit, matching, one_of, read_table, seconds, unfit

HOST = r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
ORIGIN = re.compile(rf"(https?)://{HOST}(?::([1-9][0-9]{{0,4}}))?\Z")
HIGHEST_PORT = 65_535
AN_ORIGIN = "scheme, host and port in lower case, such as https://files.vendor.example, without the usual port"
FRONTENDS = ("nginx", "traefik", "envoy")

Frontend = Literal["nginx", "traefik", "envoy"]
S = TypeVar("S", bound="GuardSettings")


def require_origin(text: object) -> str:
    """Return an origin: scheme, host and port as browsers write them; raises `Unfit`."""
    found = ORIGIN.match(tables.text(text))
    port = int(found[2] or 0) if found else 0
    if found is None or port > HIGHEST_PORT or port == PORTS[found[1]]:
        raise unfit(AN_ORIGIN, text)
    return found[0]


def read_route(table: object) -> Route:
    """Read one route; raises `Unfit`."""
    route = read_table(Route, table)
    faults = list(route.faults())
    if faults:
        raise Unfit(faults)
    return route


def ruled(rule: tables.Rule, **more: Any) -> dict[str, Any]:
    """Return the metadata of a field with a rule."""
    return {"rule": rule, **more}


SECONDS = ruled(seconds(0, 3600, "0 to 3600 seconds"))
TEXT = ruled(tables.text)


@dataclass(frozen=True, kw_only=True)
class GuardSettings:
    """Settings of a guard; those that are optional mean the same as in `Options`."""

    portal: str = field(metadata=ruled(require_origin))
    token_file: str = field(metadata=TEXT)
    stale_after: float | None = field(
        default=None, metadata=ruled(seconds(2, 3600, "2 to 3600 seconds, as news come each second"))
    )
    skew: float | None = field(default=None, metadata=SECONDS)
    clock_bound: float | None = field(default=None, metadata=SECONDS)
    binding: Literal["required", "optional"] | None = field(
        default=None, metadata=ruled(one_of("required", "optional"))
    )
    spool: str | None = field(default=None, metadata=TEXT)
    spool_bytes: int | None = field(default=None, metadata=ruled(tables.count(1, "one byte at least")))
    spool_sync: bool | None = field(default=None, metadata=ruled(tables.flag))
    allow_http: bool | None = field(default=None, metadata=ruled(tables.flag))

    def guard(self) -> Guard:
        """Return the guard; raises `Invalid` if it can't read its token, write its spool or call the portal safely."""
        given = {option.name: getattr(self, option.name) for option in fields(Options)}
        options = {name: value for name, value in given.items() if value is not None}
        if self.spool is not None:
            options["spool"] = Path(self.spool)
        try:
            return Guard(self.portal, Path(self.token_file), Options(**options))
        except (OSError, ValueError) as error:
            raise Invalid("guard_settings", f"the guard can't begin: {error}") from error


@dataclass(frozen=True, kw_only=True)
class RequestGuardSettings(GuardSettings):
    """Settings of a guard in front of HTTP requests; `frontend` only where a proxy asks it."""

    origin: str = field(metadata=ruled(require_origin))
    certificate_header: str | None = field(
        default=None,
        metadata=ruled(matching(r"[A-Za-z0-9-]{1,64}\Z", "the name of a header, such as X-Client-Cert")),
    )
    frontend: Frontend | None = field(default=None, metadata=ruled(one_of(*FRONTENDS)))
    routes: list[Route] = field(metadata=ruled(tables.list_of(read_route, "one route at least")))

    def request_guard(self) -> RequestGuard:
        """Return the guard of requests, with its guard; raises `Invalid`."""
        return RequestGuard(self.guard(), Routes(self.routes), self.origin, self.certificate_header)


@dataclass(frozen=True, kw_only=True)
class ServeSettings(RequestGuardSettings):
    """Settings of `lockbox guard serve`; `frontend` is the proxy that asks it."""

    frontend: Frontend = field(
        metadata=ruled(one_of(*FRONTENDS), missing=f"one of {', '.join(FRONTENDS)}"),
    )


def read_settings(kind: type[S], table: object, folder: Path) -> S:
    """Read settings, with paths relative to a folder; raises `Invalid` with a message that names every fault."""
    try:
        settings = read_table(kind, table)
    except Unfit as error:
        raise refused(error) from error
    spool = settings.spool and str(folder / settings.spool)
    return replace(settings, token_file=str(folder / settings.token_file), spool=spool)


def read_file(path: Path, kind: type[S]) -> S:
    """Read settings from a TOML file; raises `Invalid` with a message that names every fault."""
    try:
        table: Mapping[str, Any] = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise Invalid("guard_settings", f"it can't be read as TOML: {error}") from error
    return read_settings(kind, table, path.parent)


def request_guard_of(path: Path) -> RequestGuard:
    """Return the guard of requests that a TOML file describes; raises `Invalid`, which names every fault."""
    return read_file(path, RequestGuardSettings).request_guard()


def refused(error: Unfit) -> Invalid:
    """Return the `Invalid` for settings that can't be read."""
    faults = [fault if fault["field"] else Fault(**fault | {"field": "body"}) for fault in error.faults]
    return Invalid("guard_settings", "\n".join(map(_line, faults)), faults)


def _line(fault: Fault) -> str:
    got = f", got {fault['received']!r}" if "received" in fault else ""
    return f"{fault['field']}: expected {fault['expected']}{got}"
