"""Prints a tenant's audit records, a line for each: `python -m tests.compose.records <accounts file>`."""

import sys
from pathlib import Path

from tests.people import People


def main() -> None:
    """Print the ids with their digests."""
    trail = People(Path(sys.argv[1])).contoso_auditor.trail("contoso")
    for line in sorted(f"{record['id']} {record['digest']}\n" for record in trail):
        sys.stdout.write(line)


if __name__ == "__main__":
    main()
