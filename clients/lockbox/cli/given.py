"""The names of fields as they were given on the command line: `--reason` for `reason_code`."""

from collections.abc import Iterator, Sequence
from typing import Any

from typer.core import TyperOption

from lockbox.cli.app import running

FILE = "file"


def given_as(field: str) -> str:
    """Return the option or argument that a field of a message came by; the field itself if it came in a file."""
    context = running.get()
    if context is None or context.params.get(FILE):
        return field
    path = field.split(".")
    for number, name in enumerate(path):
        for shown in _shown(context.command.params, name):
            below = [] if path[-1].isdigit() else path[number + 1 :]
            return ".".join((shown, *below))
    return field


def _shown(params: Sequence[Any], name: str) -> Iterator[str]:
    """Return the names of those that fit, those that fit in full first."""
    for fits in (_is_name, _is_longer_name):
        for param in params:
            if fits(param, name):
                yield param.opts[0] if isinstance(param, TyperOption) else (param.metavar or param.name).upper()


def _is_name(param: Any, name: str) -> bool:
    """Return whether a field is named like an option or argument, or is a list of its values."""
    named = {param.name, str(param.metavar).lower(), *(option.removeprefix("--") for option in param.opts)}
    return not named.isdisjoint({name, name.removesuffix("s"), name.replace("_", "-")})


def _is_longer_name(param: Any, name: str) -> bool:
    """Return whether the name of a field has that of an option at an end, as `reason_code` has `reason`."""
    return name.startswith(f"{param.name}_") or name.endswith(f"_{param.name}")
