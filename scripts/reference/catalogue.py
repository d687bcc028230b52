"""The catalogue of all events: each contract with its exchange, routing key, versions, listeners and example."""

import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

import lockbox.contracts
from lockbox.contracts.events import FACTS, Fact
from lockbox.contracts.listeners import INTAKE_QUEUE, LISTENERS, SOURCES

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "contracts" / "golden"


@dataclass(frozen=True)
class EventVersion:
    """One version of an event of one source, with the fact class that is its schema."""

    kind: type[Fact]

    @property
    def source(self) -> str:
        """The service that publishes the event."""
        return self.kind.source

    @property
    def routing_key(self) -> str:
        """The type of the event, which is its routing key."""
        return self.kind.type

    @property
    def number(self) -> int:
        """The `dataversion`."""
        return self.kind.dataversion

    @property
    def exchange(self) -> str:
        """The exchange that the event is published on."""
        return f"{self.source}.events"

    @property
    def name(self) -> str:
        """The name of this version in the reference, such as `approval_service.policy_changed.v2`."""
        return f"{self.source}.{self.routing_key}.v{self.number}"

    @property
    def description(self) -> str:
        """The docstring of the contract as one paragraph for each of its own."""
        return "\n\n".join(" ".join(part.split()) for part in (inspect.getdoc(self.kind) or "").split("\n\n"))

    @property
    def example(self) -> dict[str, Any]:
        """The golden file of this version; exits with an error that names a file that does not exist."""
        path = GOLDEN / f"{self.name}.json"
        if not path.exists():
            raise SystemExit(f"error: {path} does not exist; run: python -m tests.contracts.write_golden")
        document: dict[str, Any] = json.loads(path.read_text())
        return document

    @property
    def listeners(self) -> tuple[str, ...]:
        """The queues that receive the event."""
        return (INTAKE_QUEUE, *(queue for queue, kinds in LISTENERS.items() if self._is_among(kinds)))

    def _is_among(self, kinds: tuple[type[Fact], ...]) -> bool:
        return (self.source, self.routing_key) in {(kind.source, kind.type) for kind in kinds}


@dataclass(frozen=True)
class EventEntry:
    """An event type with all its versions, the newest first, of every source that publishes it."""

    routing_key: str
    versions: tuple[EventVersion, ...]

    @property
    def newest(self) -> tuple[EventVersion, ...]:
        """The newest version of each source."""
        return tuple(next(one for one in self.versions if one.source == source) for source in self.sources)

    @property
    def sources(self) -> tuple[str, ...]:
        """The services that publish the event."""
        return tuple(dict.fromkeys(one.source for one in self.versions))


def event_versions() -> list[EventVersion]:
    """Return every version of every event, in the order of the contracts."""
    for module in walk_packages(lockbox.contracts.__path__, "lockbox.contracts."):
        import_module(module.name)
    kinds = [kind for kind in FACTS.values() if kind.__module__.startswith("lockbox.")]
    kinds.sort(key=lambda kind: (SOURCES.index(kind.source), kind.type, -kind.dataversion))
    return [EventVersion(kind) for kind in kinds]


def event_entries() -> Iterator[EventEntry]:
    """Yield every event type once, by its first source and then by name."""
    versions = event_versions()
    for key in dict.fromkeys(one.routing_key for one in versions):
        yield EventEntry(key, tuple(one for one in versions if one.routing_key == key))
