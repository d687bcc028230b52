"""The dependencies of a distribution: those on other projects, and on distributions of this same release."""

from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Dependencies(MetadataHookInterface):
    """A metadata hook that reads `requires` and `distributions` from the hook's table in pyproject.toml."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the dependencies; the distributions of one release need each other's very version."""
        beside = [f"{name}=={metadata['version']}" for name in self.config.get("distributions", [])]
        metadata["dependencies"] = [*beside, *self.config["requires"]]
