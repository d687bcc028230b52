"""A policy, its proposal and its differences as tables."""

import json
from typing import Any

from lockbox.cli.output import cell, head, say, show_fields, show_part, show_rows, show_texts
from lockbox.cli.session import Document
from lockbox.cli.stages import COLUMNS, group_rows

FIELDS = (
    ("Tenant", "tenant"),
    ("Version", "version"),
    ("Changed", "changed_at"),
    ("Changed by", "changed_by"),
    ("Require approval for all data access requests", "require_approval"),
    ("Audit only: nobody decides", "audit_only"),
    ("Four eyes on a change of the policy", "four_eyes"),
    ("A denial says why", "comment_on_denial"),
    ("Break-glass", "break_glass"),
    ("Request lifetime", "request_lifetime"),
    ("Duration if none is asked for", "default_duration"),
    ("Maximum duration", "maximum_duration"),
    ("Maximum with extensions", "maximum_total"),
    ("Service request pattern", "service_request_pattern"),
)
RULES = (("RULE", "name"), ("DOES", "then"), ("WHEN", "when"), ("STAGE", "stage"), ("COMMENT", "comment"))
FREEZES = (
    ("FREEZE", "name"),
    ("FROM", "starts"),
    ("TO", "ends"),
    ("TIME ZONE", "time_zone"),
    ("EFFECT", "effect"),
)
DIFFERENCES = (("PATH", "path"), ("BEFORE", "before"), ("AFTER", "after"))


def show_policy(policy: Document) -> None:
    """Print a policy, and the proposed change if there is one."""
    show_fields({name: _setting(value) for name, value in policy.items()}, FIELDS)
    head("Stages, one after the other")
    show_rows(group_rows(policy["stages"]), COLUMNS)
    show_part(
        "Rules, of which the first that matches counts", [_rule(rule) for rule in policy["rules"]], RULES, texts=3
    )
    show_part("Freezes", policy["freezes"], FREEZES)
    if policy["proposal"]:
        head("Proposed")
        say_proposed(policy)


def say_proposed(policy: Document) -> None:
    """Print the proposal that waits for another administrator, and the commands to decide on it."""
    tenant, proposal = policy["tenant"], policy["proposal"]
    say(f"{proposal['proposed_by']} proposed a change, {cell(proposal['proposed_at'])}; another has to agree.")
    say(f"See it:    lockbox policy diff {tenant}")
    say(f"Decide:    lockbox policy agree {tenant} {proposal['digest']}   (or reject)")


def show_differences(found: Document) -> None:
    """Print the differences between a document and the policy in force."""
    if not found["differences"]:
        say(f"Nothing differs from version {found['version']}.")
        return
    parts = [{name: _part(value) for name, value in one.items()} for one in found["differences"]]
    show_texts(parts, DIFFERENCES, texts=2)


def _setting(value: Any) -> Any:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, dict) and "allowed" in value:
        return f"on, for {value['duration']} at most" if value["allowed"] else "off"
    return value


def _rule(rule: Document) -> Document:
    stage = rule["stage"]
    return {
        **rule,
        "stage": stage and f"{stage['name']} ({stage['side']}): {_groups(stage)}",
        "when": _when(rule["when"]),
    }


def _groups(stage: Document) -> str:
    return " and ".join(
        f"{group['approvals']} of {group['name']} ({cell(group['members'])})" for group in stage["groups"]
    )


def _when(condition: Document) -> str:
    met = [f"{name.replace('_', ' ')} {_condition(value)}" for name, value in condition.items() if value is not None]
    return "; ".join(met) or "always"


def _condition(value: Any) -> str:
    if isinstance(value, dict):
        return f"{cell(value['days'])} {value['since']} to {value['until']} {value['time_zone']}"
    return cell(value)


def _part(value: Any) -> str | None:
    """Return a part of a policy as JSON, without null values."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(_without_nulls(value), ensure_ascii=False)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value
