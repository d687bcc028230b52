"""What is guarded, strict and buffered: a product with a guard of its own, and `lockbox guard serve` for a proxy."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from lockbox.embedded.ports import choose_ports
from lockbox.embedded.processes import started_here
from lockbox.embedded.stack import Stack
from lockbox.embedded.supervisor import Program, Supervisor
from lockbox.guard.serve import CHECK
from lockbox.provision.files import private_directory, write_private
from tests.chaos.product import CARELESS
from tests.waiting import eventually

STRICT, BUFFERED = "strict", "buffered"
MODES = (STRICT, BUFFERED)
PRODUCTS = tuple(f"product_{mode}" for mode in MODES)
SERVERS = tuple(f"server_{mode}" for mode in MODES)
ORIGIN = "https://files.vendor.example"
DOCUMENTS = "/documents/contoso/"
BACK_WITHIN = 60.0
CONFIGURATION = f"""\
token_file = "token"
origin = "{ORIGIN}"
frontend = "nginx"

[[routes]]
path = "/documents/{{tenant}}/{{resource...}}"
actions = {{GET = "read"}}
"""


def mode_of(program: str) -> str:
    """Strict or buffered."""
    return program.rpartition("_")[2]


class Guarded:
    """The programs, under a supervisor of their own, each with its own configuration."""

    def __init__(self, home: Path, stack: Stack, programs: Sequence[str], *flags: str) -> None:
        """`flags` are the products'."""
        self.home = private_directory(home.resolve())
        self.programs = tuple(programs)
        self._stack = stack
        self._flags = flags
        self._ports = choose_ports(self.home / "ports.json", prefer=False, more=programs)
        self._supervisor = Supervisor(self.home)

    @contextmanager
    def open(self) -> Iterator["Guarded"]:
        """Start them, and stop them."""
        write_private(self.home / "token", self._stack.secrets.enforcement_point_token)
        for program in self.programs:
            (self.home / f"{program}.toml").write_text(self._configuration(program))
        self._supervisor.configure([self._program(name) for name in self.programs])
        try:
            self._supervisor.start()
            yield self
        finally:
            self._supervisor.stop()
            assert list(started_here(self.home)) == []

    def kill(self, program: str) -> None:
        """SIGKILL, as soon as it runs."""
        for process in eventually(lambda: list(started_here(self.home, program)), within=BACK_WITHIN):
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def asked(self, program: str, path: str) -> tuple[str, dict[str, str]]:
        """Where, and with which headers, a client asks a product for a path, or a proxy asks a server about it."""
        address = f"http://127.0.0.1:{self._ports[program]}"
        if program in PRODUCTS:
            return address + path, {}
        return address + CHECK, {"X-Original-Method": "GET", "X-Original-URI": path}

    def given_out(self) -> set[str]:
        """The resources that the products gave out, whether the answer arrived or not."""
        notes = [self._notes(program) for program in self.programs if program in PRODUCTS]
        paths = "".join(note.read_text() for note in notes if note.exists()).splitlines()
        return {path.removeprefix(DOCUMENTS) for path in paths}

    def spooled(self) -> list[Path]:
        """The files that wait."""
        return list(self.home.glob("spool_*/*.spool"))

    def put_aside(self) -> list[str]:
        """What guards say that the portal would never take."""
        return [line for file in self.home.glob("spool_*/refused.jsonl") for line in file.read_text().splitlines()]

    def _notes(self, program: str) -> Path:
        return self.home / f"{program}.notes"

    def _configuration(self, program: str) -> str:
        spool = f'spool = "spool_{program}"\n' if mode_of(program) == BUFFERED else ""
        return f'portal = "{self._stack.portal_url}"\n{spool}{CONFIGURATION}'

    def _program(self, name: str) -> Program:
        configuration, port = str(self.home / f"{name}.toml"), str(self._ports[name])
        if name in PRODUCTS:
            product = [sys.executable, "-m", "tests.chaos.product", configuration, port, str(self._notes(name))]
            return Program(name, [*product, *self._flags], {"PYTHONPATH": os.pathsep.join(sys.path)})
        lockbox = str(Path(sys.executable).with_name("lockbox"))
        return Program(name, [lockbox, "guard", "serve", "--config", configuration, "--listen", f"127.0.0.1:{port}"])


def careless(home: Path, stack: Stack) -> Guarded:
    """Products whose guards neither wait for the record nor make it once."""
    return Guarded(home, stack, PRODUCTS, CARELESS)
