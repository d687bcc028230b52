"""Settings and what is made of them: read once, at start, from the `lockbox` part of a service's config.yml."""

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
    """The settings of a service; raises ConfigurationError that names every key that is missing or wrong."""
    given = {key: value for key, value in (config.get("lockbox") or {}).items() if value is not None}
    try:
        return wire.decode(kind, given)
    except Invalid as error:
        faults = "; ".join(f"lockbox.{fault['field']}: expected {fault['expected']}" for fault in error.faults)
        raise ConfigurationError(f"config.yml: {faults}") from error


class Provided(DependencyProvider):
    """Gives a service one thing, made of its configuration before it starts; what can't be made stops the start."""

    def __init__(self, make: Callable[[Config], Any]) -> None:
        self.make = make

    def setup(self) -> None:
        """Make it."""
        self.thing: Any = self.make(self.container.config)

    def get_dependency(self, worker_ctx: object) -> Any:
        """The thing."""
        return self.thing


def settings(kind: type) -> Provided:
    """Gives a service its settings, of this kind."""
    return Provided(partial(read_settings, kind))
