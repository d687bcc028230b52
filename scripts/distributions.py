"""Build the three distributions: `python -m scripts.distributions [folder]`, into `dist/` where no folder is named."""

import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import BytesParser
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAMES = ("lockbox-guard", "lockbox-cli", "lockbox-server")
IMPORTS = 5
TIMED = "import time; began = time.{clock}(); import lockbox.guard; print(time.{clock}() - began)"


@dataclass(frozen=True)
class Wheel:
    """A built distribution."""

    path: Path

    @cached_property
    def files(self) -> frozenset[str]:
        """The files that it installs, without its own metadata."""
        with zipfile.ZipFile(self.path) as archive:
            return frozenset(name for name in archive.namelist() if ".dist-info/" not in name)

    @cached_property
    def requires(self) -> list[str]:
        """The distributions that it needs without an extra."""
        with zipfile.ZipFile(self.path) as archive:
            [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            document = BytesParser().parsebytes(archive.read(metadata))
        return [line for line in document.get_all("Requires-Dist", []) if "extra ==" not in line]

    @property
    def modules(self) -> Iterator[str]:
        """The names of its modules, in order."""
        for file in sorted(self.files):
            if file.endswith(".py") and not file.endswith("/__main__.py"):
                yield file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def build(folder: Path) -> dict[str, Wheel]:
    """Build every distribution into a folder, and return them by name."""
    projects = [str(ROOT / "packaging" / name) for name in NAMES]
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), *projects)
    return {name: Wheel(next(folder.glob(f"{name.replace('-', '_')}-*.whl"))) for name in NAMES}


def environment(folder: Path, *requirements: str) -> Path:
    """Make a virtual environment, install into it, and return its Python."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip("--python", str(python), "install", "--no-compile", "-c", str(ROOT / "constraints.txt"), *requirements)
    return python


def pip(*arguments: str) -> None:
    """Run the pip of this environment."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *arguments]
    subprocess.run(command, check=True)  # noqa: S603 - our own arguments


def import_milliseconds(python: Path, clock: str) -> float:
    """Return the shortest time of a few, by a clock of `time`, in which a new process imports the guard."""
    command = [str(python), "-I", "-c", TIMED.format(clock=clock)]
    times = [float(subprocess.check_output(command)) for _ in range(IMPORTS)]  # noqa: S603 - our own arguments
    return min(times) * 1000


def import_times(python: Path) -> str:
    """Return a line with the import time of the guard; the processor time does not grow with the machine's load."""
    elapsed, processor = (import_milliseconds(python, clock) for clock in ("perf_counter", "process_time"))
    return f"import lockbox.guard: {elapsed:.0f} ms, of which {processor:.0f} ms on the processor"


def show(wheels: dict[str, Wheel]) -> None:
    """Print a table of the distributions, and the import time of the guard in an environment of its own."""
    for name, wheel in wheels.items():
        size = wheel.path.stat().st_size // 1024
        print(f"{name:15} {wheel.path.name:40} {size:4} KiB {len(list(wheel.modules)):4} modules")  # noqa: T201
        print(f"{'':15} needs {', '.join(wheel.requires)}")  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        python = environment(Path(folder), str(wheels["lockbox-guard"].path))
        print(import_times(python))  # noqa: T201


if __name__ == "__main__":
    show(build(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist")))
