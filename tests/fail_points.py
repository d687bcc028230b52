"""Fail points of MongoDB: commands of one client, or of all, that fail with an error of the test's choice."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient

FAIL_POINTS = ("--setParameter", "enableTestCommands=1")
WRITES = ("insert", "update", "findAndModify", "delete")
OF_A_STATE = {
    "ShutdownInProgress": 91,
    "PrimarySteppedDown": 189,
    "NotWritablePrimary": 10_107,
    "InterruptedAtShutdown": 11_600,
}
"""Errors after which the driver takes a server for unknown, and looks at it again."""

CODES = {"Unauthorized": 13, "MaxTimeMSExpired": 50, "ExceededTimeLimit": 262, "OutOfDiskSpace": 14_031}
CONCERNS = {"WriteConcernFailed": 64, "UnsatisfiableWriteConcern": 100}


def failing(name: str) -> dict[str, Any]:
    """The part of a fail point that chooses the error."""
    if name in CONCERNS:
        return {"writeConcernError": {"code": CONCERNS[name], "errmsg": "as told"}}
    return {"errorCode": {**CODES, **OF_A_STATE}[name]}


@contextmanager
def failing_commands(
    mongo: MongoClient[dict[str, Any]], name: str, commands: Sequence[str] = WRITES, client: str | None = None
) -> Iterator[None]:
    """Have commands fail, of all clients or of that with this application name, until the end of the block."""
    data = {"failCommands": list(commands), **failing(name), **({"appName": client} if client else {})}
    mongo.admin.command({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data})
    try:
        yield
    finally:
        mongo.admin.command({"configureFailPoint": "failCommand", "mode": "off"})
