"""A policy as a JSON document in a file."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer

from lockbox.cli.session import CommandError, Document
from lockbox.errors import Invalid
from lockbox.values.json_text import read_json

DIFFERENT = 3
"""The exit code of an answer that scripts tell from success (0), errors (1) and wrong usage (2)."""
CHANGING = ("tenant", "version", "changed_at", "changed_by", "proposal")


def settings_of(policy: Document) -> dict[str, Any]:
    """Return the settings of a policy, without tenant, version and proposal."""
    return {name: value for name, value in policy.items() if name not in CHANGING}


def read_document(file: Path) -> dict[str, Any]:
    """Read the JSON object in a file, or on standard input for `-`; raise `CommandError` for anything else."""
    try:
        text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text()
        document = read_json(text)
    except Invalid as error:
        raise CommandError(f"{file}: {error.message}", error.code) from error
    except (OSError, ValueError, RecursionError) as error:
        raise CommandError(f"{file} can't be read as JSON: {error}") from error
    if not isinstance(document, dict):
        raise CommandError(f"{file} holds no JSON object")
    return document


def change(policy: dict[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """Return the policy with changed settings, each `name=value`, or `break_glass.allowed=true` for a part of one."""
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals:
            raise CommandError(f"{setting!r} is no setting; write name=value, as in require_approval=false")
        _put(policy, path.split("."), _value(path, value))
    return policy


def _put(document: dict[str, Any], path: list[str], value: Any) -> None:
    name, *below = path
    if not below:
        document[name] = value
    elif isinstance(document.get(name), dict):
        _put(document[name], below, value)
    else:
        raise CommandError(f"{name} has no part {below[0]}; change it as a whole, or in a file")


def _value(name: str, text: str) -> Any:
    try:
        return read_json(text)
    except Invalid as error:
        raise CommandError(f"{name}: {error.message}", error.code) from error
    except (ValueError, RecursionError):
        return text
