"""Answers to commands, kept with a document for repetitions: compressed, and no more than there is room for.

A command is `{key, digest, result}`; `result` is left out once the answers to later commands need its room.
"""

import zlib
from collections.abc import Mapping
from typing import Any

import bson
import orjson

from lockbox.runtime.storage.mongo import Document

COMMANDS_KEPT = 50
"""A command is known by its key for so long; a repetition is never carried out again."""

BYTES_KEPT = 262_144
"""A repetition gets the same answer as far back as the compressed answers fit in here, and later the present state."""


def compressed(answer: Mapping[str, Any]) -> bytes:
    """Return an answer as compressed JSON."""
    return zlib.compress(orjson.dumps(answer), 1)


def answer_in(command: Document) -> Document | None:
    """Return the answer to a command, if it is kept; `answer` is the form of earlier releases."""
    if "result" in command:
        answer: Document = orjson.loads(zlib.decompress(command["result"]))
        return answer
    return command.get("answer")


def with_answers_that_fit(commands: list[Document]) -> list[Document]:
    """Return the commands, the answers to older ones left out where all would take more room than there is."""
    kept: list[Document] = []
    room = BYTES_KEPT
    for command in reversed(commands):
        room -= _size(command)
        kept.append(command if room >= 0 else {"key": command["key"], "digest": command["digest"]})
    return kept[::-1]


def _size(command: Document) -> int:
    return len(bson.encode(command["answer"])) if "answer" in command else len(command.get("result", b""))
