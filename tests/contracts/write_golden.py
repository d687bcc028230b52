"""Writes the golden files that are missing: `python -m tests.contracts.write_golden`. What is there is left alone."""

import sys

from tests.contracts.examples import GOLDEN, examples


def main() -> None:
    """Write what is missing, and say what was written."""
    GOLDEN.mkdir(exist_ok=True)
    for name, event, _ in examples():
        if not (GOLDEN / name).exists():
            (GOLDEN / name).write_bytes(event.payload())
            sys.stdout.write(f"wrote {name}\n")


if __name__ == "__main__":
    main()
