"""The supervisor: it starts the programs, and restarts those that end."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast
from xmlrpc.client import Fault, ServerProxy

import psutil
from supervisor.xmlrpc import SupervisorTransport

from lockbox.embedded.processes import end, marks, started_here
from lockbox.provision.files import private_directory, write_private

SUPERVISOR = "supervisord"
LAST_STARTED = 100
STOP_SECONDS = 90
HEAD = """\
[supervisord]
logfile={home}/log/supervisord.log
logfile_maxbytes=5MB
pidfile={home}/supervisord.pid
childlogdir={home}/log
identifier=lockbox

[unix_http_server]
file={home}/supervisor.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{home}/supervisor.sock
"""
PROGRAM = """
[program:{name}]
; startsecs=0: else each failed start makes the next pause longer, up to minutes. run.py makes a pause of its own.
command={command}
environment={environment}
directory={home}
autostart=true
priority={priority}
autorestart=true
startsecs=0
stopwaitsecs=50
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile={home}/log/{name}.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=2
"""


@dataclass(frozen=True)
class Program:
    """One program; programs of a lower `priority` are started first and stopped last."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    priority: int = LAST_STARTED


class Supervisor:
    """supervisord with its state in a home directory."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._configuration = home / "supervisord.conf"

    def configure(self, programs: Sequence[Program]) -> None:
        """Write the configuration of supervisord for these programs."""
        private_directory(self._home / "log")
        text = HEAD.format(home=self._home) + "".join(map(self._section, programs))
        write_private(self._configuration, text)

    def start(self) -> None:
        """Start the supervisor; if it runs, restart the programs with a changed configuration."""
        if self._running():
            self._control("update")
            return
        end(list(started_here(self._home)), patience=5)
        started = self._command("supervisord")
        if started.returncode:
            raise RuntimeError(f"supervisord does not start: {started.stdout}{started.stderr}")

    def stop(self) -> None:
        """Stop all programs of this home, those started last first, then processes that a killed supervisor left."""
        if self._running():
            self._stop_in_turns()
            self._control("shutdown")
            psutil.wait_procs(list(started_here(self._home, SUPERVISOR)), timeout=STOP_SECONDS)
        while left := list(started_here(self._home)):  # a broker that still lives starts its port mapper again
            end(left, patience=10)

    def _stop_in_turns(self) -> None:
        """Stop the programs of each priority at once; supervisord itself stops one after the other."""
        address = f"unix://{self._home}/supervisor.sock"
        with ServerProxy("http://127.0.0.1", SupervisorTransport("", "", address)) as server:
            configured = cast(list[dict[str, Any]], server.supervisor.getAllConfigInfo())
            for priority in sorted({program["process_prio"] for program in configured}, reverse=True):
                names = [program["name"] for program in configured if program["process_prio"] == priority]
                for name in names:
                    with suppress(Fault):  # it does not run
                        server.supervisor.stopProcess(name, False)
                started = [process for name in names for process in started_here(self._home, name)]
                psutil.wait_procs(started, timeout=STOP_SECONDS)

    def states(self) -> str:
        """Return the state of each program, as supervisorctl prints it."""
        return self._control("status").stdout

    def _running(self) -> bool:
        return self._configuration.exists() and self._control("pid").returncode == 0

    def _section(self, program: Program) -> str:
        command = [sys.executable, "-m", "lockbox.embedded.run", program.name, "--", *program.command]
        environment = {**program.environment, **marks(self._home, program.name)}
        return PROGRAM.format(
            name=program.name,
            home=self._home,
            command=" ".join(map(_quoted, command)),
            environment=",".join(f"{name}={_quoted(value)}" for name, value in environment.items()),
            priority=program.priority,
        )

    def _control(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self._command("supervisorctl", *arguments)

    def _command(self, name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [str(Path(sys.executable).with_name(name)), "-c", str(self._configuration), *arguments]
        environment = {**os.environ, **marks(self._home, SUPERVISOR)}
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)  # noqa: S603


def _quoted(text: str) -> str:
    escaped = text.replace("%", "%%").replace('"', '\\"')
    return f'"{escaped}"'
