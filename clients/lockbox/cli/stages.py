"""Stages, their groups, and what was decided in them, as people read them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lockbox.cli.open_decision import less
from lockbox.cli.output import show_part, show_rows
from lockbox.cli.session import Document

COLUMNS = (
    ("STAGE", "number"),
    ("NAME", "stage"),
    ("SIDE", "side"),
    ("NOES THAT END IT", "denials"),
    ("GROUP", "group"),
    ("YESES NEEDED", "approvals"),
    ("FROM", "members"),
)
STANDING = (*COLUMNS[:3], ("STATE", "state"), *COLUMNS[3:6], ("MISSING", "missing"), COLUMNS[6])
DECISIONS = (
    ("STAGE", "stage"),
    ("APPROVER", "approver"),
    ("DECISION", "decision"),
    ("FOR", "counts_for"),
    ("TIME", "decided_at"),
    ("COMMENT", "said"),
)


def group_rows(stages: Iterable[Document]) -> Iterator[dict[str, Any]]:
    """A row for each group of each stage; stages count from 1."""
    for number, stage in enumerate(stages, start=1):
        about = {"number": number, "stage": stage["name"], "side": stage["side"], "denials": stage["denials"]}
        for group in stage["groups"]:
            yield {**group, **about, "group": group["name"]}


def show_stages(deliberating: Document, missing: Iterable[Document]) -> None:
    """Print where the stages stand; `missing` is what the open one still needs."""
    lacking = {one["group"]: one["approvals"] for one in missing}
    states = [_state(stage, bool(deliberating["request_digest"])) for stage in deliberating["stages"]]
    show_rows((_standing(row, states, lacking) for row in group_rows(deliberating["stages"])), STANDING)


def show_decisions(deliberating: Document) -> None:
    """Print who decided what."""
    show_part("Decisions", [one | {"said": _said(one)} for one in deliberating["decisions"]], DECISIONS)


def _standing(row: dict[str, Any], states: list[str], lacking: Mapping[str, int]) -> dict[str, Any]:
    state = states[row["number"] - 1]
    return {**row, "state": state, "missing": lacking.get(row["group"], 0) if state == "open" else None}


def _state(stage: Document, deciding: bool) -> str:
    if stage["closed_at"]:
        return "passed"
    if stage["opened_at"]:
        return "open" if deciding else "ended"
    return "not open yet" if deciding else "not reached"


def _said(decision: Document) -> str:
    only = less(decision["changes"])
    return ": ".join(filter(None, [f"only {only}" if only else "", decision["comment"]]))
