"""What an event tells, value by value, in words; nothing that stands in a trail can make this fail."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from lockbox.contracts.fields import CONTROL, parse_duration
from lockbox.values.timestamps import parse_timestamp
from portal_service.web.wording import words

POLICY = "policy"
ACTED = {"approve": "approved", "deny": "rejected"}
LESS = {"duration": "for {}", "starts_at": "from {}", "resources": "only {}", "actions": "only to {}"}
DURATIONS = frozenset({"duration", "request_lifetime", "maximum_duration"})


class Told(dict[str, str]):
    """What an event tells, in words; what it does not tell is three dots."""

    @classmethod
    def by(cls, actor: str, data: Mapping[str, Any]) -> "Told":
        """What an event of this actor tells."""
        version = {"version": data["limits"].get("policy_version")} if isinstance(data.get("limits"), Mapping) else {}
        return cls({name: spelled(name, value) for name, value in {**data, **version}.items()}, actor=person(actor))

    def __missing__(self, name: str) -> str:
        return "…"


def person(actor: str) -> str:
    """Who acted: a person by the address, a service of Lockbox as Lockbox."""
    return "Lockbox" if actor.endswith("_service") else actor


def spelled(name: str, value: object) -> str:
    """A value of an event, by the name of its field."""
    if isinstance(value, bool):
        return _flag(name, yes=value)
    if isinstance(value, list):
        return CONTROL.sub("�", _list(name, value))
    if isinstance(value, Mapping):
        return CONTROL.sub("�", _less(value))
    try:
        return "somebody" if value is None else CONTROL.sub("�", _text(name, str(value)))
    except ValueError:
        return CONTROL.sub("�", str(value))


def _flag(name: str, *, yes: bool) -> str:
    if name == "approval_required":
        return "every stage said yes" if yes else "the customer's own people had no say"
    return "required" if yes else "not required"


def _list(name: str, items: Sequence[Any]) -> str:
    if name in {"rules", "freezes"}:
        return words.counted(len(items), name.removesuffix("s"))
    if name == "groups":
        return " and ".join(f"{_of(item, 'approvals')} of {_of(item, 'name')}" for item in items)
    if name == "stages":
        return ", then ".join(_of(item, "name") for item in items) or "nobody"
    if name == "approvers":
        return words.listed([str(item) for item in items] or ["nobody"])
    texts = [words.spoken_within(str(item)) if name == "why" else str(item) for item in items]
    return ("; " if name == "why" else ", ").join(text.replace("_", " ") if name == "roles" else text for text in texts)


def _less(changes: Mapping[str, Any]) -> str:
    """What an approver allowed, where it was less than had been asked for."""
    told = {name: spelled(name, value) for name, value in changes.items() if value is not None}
    return ", ".join(phrase.format(told[name]) for name, phrase in LESS.items() if name in told)


def _of(item: object, name: str) -> str:
    return str(item.get(name, "…")) if isinstance(item, Mapping) else str(item)


def _text(name: str, text: str) -> str:
    if name.endswith("_at"):
        return f"{words.minute(parse_timestamp(text))} UTC"
    if name in DURATIONS:
        duration = parse_duration(text)
        return words.spoken(duration) if duration > timedelta(0) else text
    if name in {"quorum", "customer_quorum"}:
        return words.counted(int(text), "approval")
    if name == "denied_by":
        return "the policy" if text == POLICY else text
    if name in {"alert", "reason"}:
        return text.replace("_", " ")
    return ACTED.get(text, text) if name == "decision" else words.SIDES.get(text, text)
