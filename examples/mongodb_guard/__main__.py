"""`python -m examples.mongodb_guard <directory>`: runs mongodb_guard with the `environment` that is kept there."""

import sys
from pathlib import Path

from lockbox.provision.environment import ENVIRONMENT
from lockbox.provision.launch import become

CONFIGURATION = Path(__file__).with_name("config.yml")


def main() -> None:
    """Become the service."""
    if len(sys.argv) != 2 or not (environment := Path(sys.argv[1]) / ENVIRONMENT).is_file():  # noqa: PLR2004
        raise SystemExit("usage: python -m examples.mongodb_guard <directory with the file `environment`>")
    nameko = str(Path(sys.executable).with_name("nameko"))
    become([nameko, "run", "--config", str(CONFIGURATION), "examples.mongodb_guard.service"], environment)


if __name__ == "__main__":
    main()
