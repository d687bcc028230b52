"""The containers of the project that COMPOSE_PROJECT_NAME and COMPOSE_FILE name."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from tests.waiting import eventually

ALL_MASTER_SECRETS = """
import json, pathlib
print(json.dumps({file.name: file.read_text() for file in pathlib.Path("/etc/lockbox/secrets").iterdir()}))
"""


def docker(*arguments: str) -> str:
    """What `docker <arguments>` prints; fails with what it complains of."""
    done = subprocess.run(["docker", *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}"
    return done.stdout


def compose(*arguments: str) -> str:
    """What `docker compose <arguments>` prints."""
    return docker("compose", *arguments)


@dataclass(frozen=True)
class Container:
    """One container."""

    id: str

    def inspect(self) -> dict[str, Any]:
        """What the engine knows of it."""
        document: dict[str, Any] = json.loads(docker("inspect", self.id))[0]
        return document

    @property
    def restarts(self) -> int:
        """How often it has been started again."""
        return int(self.inspect()["RestartCount"])

    @property
    def healthy(self) -> bool:
        """Whether it runs and its health check says so."""
        state = self.inspect()["State"]
        return bool(state["Running"] and state["Health"]["Status"] == "healthy")

    def kill_processes(self) -> None:
        """SIGKILL for everything in it but its init, as if the service had crashed."""
        subprocess.run(["docker", "exec", self.id, "sh", "-c", "kill -9 -1"], check=False, capture_output=True)

    def await_return(self, restarts: int) -> None:
        """Return when it has been started again so many times, and is healthy."""
        eventually(lambda: self.restarts >= restarts and self.healthy, within=90)


def containers_of(service: str, *, stopped: bool = False) -> list[Container]:
    """The containers of a service that run, or also those that have ended."""
    every = ["--all"] if stopped else []
    return [Container(identifier) for identifier in compose("ps", "--quiet", *every, service).split()]


def master_secrets() -> dict[str, str]:
    """The files that all secrets of the deployment are made of, by name."""
    run = ("run", "--rm", "-T", "--entrypoint", "python", "provision", "-c", ALL_MASTER_SECRETS)
    files: dict[str, str] = json.loads(compose(*run))
    return files
