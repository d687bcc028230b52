"""Write the lock files of the image: `python -m scripts.lock`.

A lock file names each Python package that the image installs, with its version from constraints.txt and the hashes of
its wheels for every platform of the image. pip then takes nothing else (`--require-hashes`). The hashes come from the
package index, as pip reports them.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = ("services", "serve")
PYTHON = (3, 11)
MACHINES = ("x86_64", "aarch64")
GLIBC = 36
"""The minor version of glibc in the image (Debian 12): it can use wheels for this one and earlier ones."""

HEAD = "# Written by `make lock`. `pip install --require-hashes` takes these files and no others.\n"


@dataclass(frozen=True)
class Lock:
    """A lock file and the requirements that it is resolved from."""

    path: Path
    requirements: tuple[str, ...]


def image_requirements() -> tuple[str, ...]:
    """Return the requirements of the project and of the extras in the image."""
    project = PROJECT["project"]
    return (*project["dependencies"], *(each for extra in EXTRAS for each in project["optional-dependencies"][extra]))


LOCKS = (
    Lock(ROOT / "packaging" / "image.lock", image_requirements()),
    Lock(ROOT / "packaging" / "build.lock", tuple(PROJECT["build-system"]["requires"])),
)


def platforms(machine: str) -> Iterator[str]:
    """Yield the tags of wheels for a machine, best first (PEP 600 and its predecessors)."""
    for minor in range(GLIBC, 4, -1):
        yield f"manylinux_2_{minor}_{machine}"
        if minor == 17:  # noqa: PLR2004 - glibc 2.17 has two names
            yield f"manylinux2014_{machine}"
    yield f"linux_{machine}"


def resolve(requirements: Iterable[str], machine: str) -> list[dict[str, Any]]:
    """Return the packages that pip would install on a machine, each as an entry of its installation report."""
    with tempfile.TemporaryDirectory() as folder:
        platform = [word for tag in platforms(machine) for word in ("--platform", tag)]
        python = ("--python-version", ".".join(map(str, PYTHON)), "--only-binary", ":all:", "--target", folder)
        options = (
            "--quiet",
            "--dry-run",
            "--ignore-installed",
            "--report",
            f"{folder}/report.json",
            *python,
            *platform,
        )
        constraints = ("--constraint", str(ROOT / "constraints.txt"))
        pip = (sys.executable, "-m", "pip", "install", *options, *constraints, *requirements)
        subprocess.run(pip, check=True)  # noqa: S603 - our own arguments
        entries: list[dict[str, Any]] = json.loads(Path(folder, "report.json").read_text())["install"]
    return entries


def hashes(entries: Iterable[dict[str, Any]]) -> Mapping[str, set[str]]:
    """Return the hashes of each package, by `name==version`."""
    found: dict[str, set[str]] = {}
    for entry in entries:
        name = canonicalize_name(entry["metadata"]["name"])
        digest = entry["download_info"]["archive_info"]["hashes"]["sha256"]
        found.setdefault(f"{name}=={entry['metadata']['version']}", set()).add(digest)
    return found


def text(found: Mapping[str, set[str]]) -> str:
    """Return the lock file: a requirement with its hashes for each package."""
    lines = (
        [pinned, *(f"--hash=sha256:{each}" for each in sorted(digests))] for pinned, digests in sorted(found.items())
    )
    return HEAD + "".join(" \\\n    ".join(line) + "\n" for line in lines)


def main() -> None:
    """Write all lock files."""
    if sys.version_info[:2] != PYTHON:
        raise SystemExit(f"error: the image has Python {PYTHON[0]}.{PYTHON[1]}, and pip resolves for its own version")
    for lock in LOCKS:
        entries = [entry for machine in MACHINES for entry in resolve(lock.requirements, machine)]
        lock.path.write_text(text(hashes(entries)))
        print(f"{lock.path.relative_to(ROOT)}: {len(hashes(entries))} packages")  # noqa: T201


if __name__ == "__main__":
    main()
