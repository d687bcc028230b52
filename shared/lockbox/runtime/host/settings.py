"""Settings of a service, read once at start from the `lockbox` part of its config.yml."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from nameko.exceptions import ConfigurationError
from nameko.extensions import DependencyProvider

from lockbox.contracts import wire
from lockbox.errors import Invalid

S = TypeVar("S")
Config = Mapping[str, Any]


def read_settings(kind: type[S], config: Config) -> S:
    """Return the settings of a service; raise ConfigurationError that names every missing or wrong key."""
    given = {key: value for key, value in (config.get("lockbox") or {}).items() if value is not None}
    try:
        return wire.decode(kind, given)
    except Invalid as error:
        faults = "; ".join(f"lockbox.{fault['field']}: expected {fault['expected']}" for fault in error.faults)
        raise ConfigurationError(f"config.yml: {faults}") from error


class Provided(DependencyProvider):
    """A dependency that is made of the configuration before the service starts; an error stops the start."""

    def __init__(self, make: Callable[[Config], Any]) -> None:
        self.make = make

    def setup(self) -> None:
        """Create the dependency from the configuration."""
        self.thing: Any = self.make(self.container.config)

    def get_dependency(self, worker_ctx: object) -> Any:
        """Return the dependency."""
        return self.thing


def settings(kind: type) -> Provided:
    """Return the dependency that gives a service its settings."""
    return Provided(partial(read_settings, kind))
