"""Files for their owner or group alone, replaced as a whole."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any


def private_directory(path: Path) -> Path:
    """Return a directory of mode 0700; create it if it does not exist."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Replace a file of mode 0600."""
    _replace(path, text, 0o600)


def write_unless_edited(path: Path, text: str) -> bool:
    """Replace a file of mode 0600 unless a person has edited it; return whether it was written."""
    note = path.with_name(f".{path.name}.sha256")
    if path.exists():
        written = note.read_text() if note.exists() else _digest(text)
        if _digest(path.read_text()) != written:
            return False
    write_private(path, text)
    write_private(note, _digest(text))
    return True


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write_for_group(path: Path, text: str) -> None:
    """Replace a file of mode 0640, for a server that runs as another user and is in the group."""
    _replace(path, text, 0o640)


def write_private_json(path: Path, document: Any) -> None:
    """Replace a JSON file of mode 0600."""
    write_private(path, json.dumps(document, indent=2, sort_keys=True) + "\n")


def _replace(path: Path, text: str, mode: int) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
