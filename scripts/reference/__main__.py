"""Write the generated pages under docs, or compare them: `python -m scripts.reference [--check]`."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from lockbox.contracts.registry import OPERATIONS
from scripts.reference.asyncapi import asyncapi_document
from scripts.reference.catalogue import ROOT, event_entries, event_versions
from scripts.reference.events_page import events_page
from scripts.reference.permissions_page import permissions_page

COMMAND = "python -m scripts.reference"


def documents() -> Mapping[Path, str]:
    """Return the text of each generated file by its path below the root of the repository."""
    document = asyncapi_document(event_versions())
    page = events_page(list(event_entries()), document["components"]["schemas"])
    return {
        Path("docs/asyncapi.json"): json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        Path("docs/events.md"): page,
        Path("docs/permissions.md"): permissions_page(OPERATIONS),
    }


def stale(root: Path, texts: Mapping[Path, str]) -> list[Path]:
    """Return the files below `root` that differ from their text."""
    return [path for path, text in texts.items() if not (root / path).exists() or (root / path).read_text() != text]


def main() -> None:
    """Write the files that differ; with `--check`, name them and exit with 1."""
    texts = documents()
    different = stale(ROOT, texts)
    if "--check" in sys.argv[1:]:
        for path in different:
            sys.stderr.write(f"error: {path} is stale; run: {COMMAND}\n")
        sys.exit(bool(different))
    for path in different:
        (ROOT / path).write_text(texts[path])
        sys.stdout.write(f"wrote {path}\n")


if __name__ == "__main__":
    main()
