"""Stages, their groups, and the decisions in them, as tables."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lockbox.cli.open_decision import changes_in_words
from lockbox.cli.output import show_part, show_rows
from lockbox.cli.session import Document

COLUMNS = (
    ("STAGE", "number"),
    ("NAME", "stage"),
    ("SIDE", "side"),
    ("DENIALS THAT END IT", "denials"),
    ("GROUP", "group"),
    ("APPROVALS NEEDED", "approvals"),
    ("FROM", "members"),
)
STANDING = (*COLUMNS[:3], ("STATE", "state"), *COLUMNS[3:6], ("MISSING", "missing"), COLUMNS[6])
DECISIONS = (
    ("STAGE", "stage"),
    ("APPROVER", "approver"),
    ("DECISION", "decision"),
    ("FOR", "counts_for"),
    ("TIME", "decided_at"),
    ("COMMENT", "comment"),
)


def group_rows(stages: Iterable[Document]) -> Iterator[dict[str, Any]]:
    """Return a row for each group of each stage; stages count from 1."""
    for number, stage in enumerate(stages, start=1):
        about = {"number": number, "stage": stage["name"], "side": stage["side"], "denials": stage["denials"]}
        for group in stage["groups"]:
            yield {**group, **about, "group": group["name"]}


def show_stages(stages: Iterable[Document], decision: Document | None, missing: Iterable[Document]) -> None:
    """Print the stages of a request or an extension, its open decision, and the approvals that this still needs."""
    lacking = {one["group"]: one["approvals"] for one in missing}
    states = [_state(number, stage, decision) for number, stage in enumerate(stages, start=1)]
    show_rows((_standing(row, states, lacking) for row in group_rows(stages)), STANDING)


def show_decisions(deliberating: Document) -> None:
    """Print the decisions of a request or an extension."""
    show_part("Decisions", [one | {"comment": _comment(one)} for one in deliberating["decisions"]], DECISIONS)


def _standing(row: dict[str, Any], states: list[str], lacking: Mapping[str, int]) -> dict[str, Any]:
    state = states[row["number"] - 1]
    return {**row, "state": state, "missing": lacking.get(row["group"], 0) if state == "open" else None}


def _state(number: int, stage: Document, decision: Document | None) -> str:
    if stage["closed_at"]:
        return "passed"
    if decision and decision["stage"] == number:
        return "open"
    if stage["opened_at"]:
        return "ended"
    return "not open yet" if decision else "not reached"


def _comment(decision: Document) -> str:
    only = changes_in_words(decision["changes"])
    return ": ".join(filter(None, [f"only {only}" if only else "", decision["comment"]]))
