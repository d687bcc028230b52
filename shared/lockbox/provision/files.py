"""Files that only their owner reads, written whole or not at all."""

import json
import os
from pathlib import Path
from typing import Any


def private_directory(path: Path) -> Path:
    """A directory of mode 0700; made, or found there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file of mode 0600."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def write_private_json(path: Path, document: Any) -> None:
    """Replace a JSON file of mode 0600."""
    write_private(path, json.dumps(document, indent=2, sort_keys=True) + "\n")
