"""The `lockbox` command in processes forked from one that has loaded it, as to load takes longer than to run.

As a program it reads orders, one JSON object a line, and tells the exit status of each when its process has ended.
"""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from lockbox.cli.main import main

WIDTH = {"COLUMNS": "200"}


class Forks:
    """The process that the others are forked from; one order at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        command = [sys.executable, "-W", "ignore", "-m", __name__]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **WIDTH}
        )

    def run(self, arguments: tuple[str, ...], environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        said, complained = (self._folder / name for name in ("stdout", "stderr"))
        order = {"arguments": arguments, "environment": {**environment, **WIDTH}, "files": [str(said), str(complained)]}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        status = int(self._process.stdout.readline())
        return subprocess.CompletedProcess(arguments, status, said.read_text(), complained.read_text())

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=30)


def follow_orders() -> None:
    for line in sys.stdin:
        if (child := os.fork()) == 0:
            follow(json.loads(line))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


def follow(order: Mapping[str, Any]) -> NoReturn:
    """Be the command, as a new process of the system would be."""
    os.environ.clear()
    os.environ.update(order["environment"])
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, path in enumerate(order["files"], start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.argv = ["lockbox", *order["arguments"]]
    sys.modules["__main__"].__package__ = None  # its name is that of the command, not of this module
    status = ended_with(main)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def ended_with(program: Any) -> int:
    try:
        program()
    except SystemExit as ended:
        if isinstance(ended.code, str):
            sys.stderr.write(ended.code + "\n")
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    follow_orders()
