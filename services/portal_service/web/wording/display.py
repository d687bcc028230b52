"""Text as the pages display it: with places to break a line, and documents as JSON."""

import json
import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from lockbox.contracts.plain_text import UNSEEN


def breakable(text: str, after: str = "/@") -> Markup:
    """Return a resource, an address or a path, which a narrow column may break after its own separators."""
    return Markup(re.sub(f"([{re.escape(after)}])", r"\1<wbr>", str(escape(text))))  # noqa: S704 - escaped before


def without_nulls(data: Any) -> Any:
    """Return a document without the fields that are not set."""
    if isinstance(data, Mapping):
        return {name: without_nulls(value) for name, value in data.items() if value is not None}
    return [without_nulls(item) for item in data] if isinstance(data, list) else data


def pretty(data: object, *, sort: bool = True) -> str:
    """Return JSON for people; characters that could disguise it show as their codes."""
    text = json.dumps(data, indent=2, ensure_ascii=False, sort_keys=sort)
    return UNSEEN.sub(lambda found: json.dumps(found[0])[1:-1], text)
