"""Start a service with its provisioned directory: `python -m lockbox.provision.launch <directory>`.

The directory has the service's name and holds its `environment`. The service replaces this process, so that it gets
signals and a supervisor sees its end.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from lockbox.provision.environment import ENVIRONMENT, read_environment


def nameko_command(service: str) -> list[str]:
    """Return the command that runs a service with its own config.yml."""
    module = find_spec(service)
    if module is None or module.origin is None:
        raise SystemExit(f"error: {service} is not installed")
    configuration = Path(module.origin).with_name("config.yml")
    nameko = Path(sys.executable).with_name("nameko")
    return [str(nameko), "run", "--config", str(configuration), f"{service}.service"]


def become(command: list[str], environment: Path) -> NoReturn:
    """Replace this process by the command, with the variables of an environment file if it exists."""
    if environment.exists():
        os.environ.update(read_environment(environment))
    os.execvp(command[0], command)  # noqa: S606 - the deployment's own configuration says what to run


def main() -> None:
    """Replace this process by the service of the directory on the command line."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and its one argument
        raise SystemExit("usage: python -m lockbox.provision.launch <directory of a service>")
    directory = Path(sys.argv[1])
    if not (directory / ENVIRONMENT).is_file():
        raise SystemExit(
            f"error: {directory / ENVIRONMENT} is not there; it is written when a deployment is provisioned"
        )
    become(nameko_command(directory.name), directory / ENVIRONMENT)


if __name__ == "__main__":
    main()
