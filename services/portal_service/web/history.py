"""Events as sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lockbox.contracts.fields import CONTROL, parse_duration, parse_timestamp
from portal_service.web import words

POLICY = "policy"
GOOD = frozenset({"request_approved", "access_granted", "grant_activated", "access_allowed"})
BAD = frozenset({"request_denied", "grant_revoked", "access_denied", "alert_failed", "sign_in_failed"})
QUIET = frozenset(
    {"alert_sent", "signed_in", "grant_completed", "grant_expired", "request_expired", "request_cancelled"}
)
ACTED = {"approve": "approved", "deny": "rejected"}

SENTENCES: Mapping[str, str] = {
    "request_created": "{actor} asked {tenant} for access: {actions} on {resources}, for {duration}",
    "info_requested": "{actor} asked for information",
    "info_provided": "{actor} answered",
    "stage_opened": "The {stage}'s approvers can decide until {expires_at}; {quorum} needed",
    "decision_recorded": "{approver} {decision} for the {stage}",
    "request_approved": "The request was approved; {approval_required}",
    "request_denied": "The request was denied by {denied_by}",
    "request_cancelled": "{actor} cancelled the request",
    "request_expired": "The request expired: nobody decided in time, so there is no access",
    "access_granted": "Access was granted to {requester} from {starts_at} until {ends_at}",
    "grant_activated": "Access is open",
    "grant_completed": "{actor} closed the access early",
    "grant_revoked": "{actor} revoked the access",
    "grant_expired": "Access ended by itself",
    "extension_requested": "{actor} asked for an extension",
    "extension_decided": "{actor} decided on the extension",
    "policy_changed": (
        "The policy of {tenant} is now version {version}: approval {require_approval}, requests live "
        "{request_lifetime}, access lasts at most {maximum_duration}, {customer_quorum} needed"
    ),
    "break_glass_used": "{actor} used break-glass access",
    "break_glass_acknowledged": "{actor} acknowledged the break-glass access",
    "access_allowed": "{engineer} used the access: {action} on {resource}",
    "access_denied": "{engineer} was refused: {action} on {resource} ({reason})",
    "alert_sent": "{recipient} was told by {channel}: {alert}",
    "alert_failed": "{recipient} could not be told by {channel}: {alert}. {error}",
    "signed_in": "{email} signed in",
    "sign_in_failed": "Somebody gave the address {email} and a wrong password",
    "member_added": "{email} was named a member: {roles}",
    "member_changed": "The roles of {email} are now: {roles}",
    "member_removed": "{email} is no longer a member",
    "api_token_created": "An API token was created for {email}",
    "api_token_revoked": "The API token of {email} was revoked",
}


@dataclass(frozen=True)
class Line:
    """One event in words: a sentence, what somebody said with it, and its tone."""

    sentence: str
    comment: str
    tone: str


class Told(dict[str, str]):
    """What an event tells, in words; what it does not tell is three dots."""

    def __missing__(self, name: str) -> str:
        return "…"


def line(type_: str, actor: str, data: Mapping[str, Any]) -> Line:
    """An event in words; one of an unknown type shows its type."""
    told = Told({name: _spoken(name, value) for name, value in data.items()}, actor=person(actor))
    sentence = SENTENCES.get(type_, words.plain(type_)).format_map(told)
    return Line(sentence, _comment(data), tone(type_, data))


def tone(type_: str, data: Mapping[str, Any]) -> str:
    """Whether an event is good news, bad news, or merely news."""
    if type_ in GOOD or data.get("decision") == "approve":
        return "good"
    if type_ in BAD or data.get("decision") == "deny":
        return "bad"
    return "quiet" if type_ in QUIET else "info"


def person(actor: str) -> str:
    """Who acted: a person by the address, a service of Lockbox as Lockbox."""
    return "Lockbox" if actor.endswith("_service") else actor


def _comment(data: Mapping[str, Any]) -> str:
    comment = str(data.get("comment") or "")
    return words.spoken_within(comment) if data.get("denied_by") == POLICY else comment


def _spoken(name: str, value: object) -> str:
    if isinstance(value, bool):
        return _spoken_flag(name, yes=value)
    if isinstance(value, list):
        return ", ".join(str(item).replace("_", " ") if name == "roles" else str(item) for item in value)
    try:
        return "somebody" if value is None else CONTROL.sub("�", _spoken_text(name, str(value)))
    except ValueError:
        return CONTROL.sub("�", str(value))


def _spoken_flag(name: str, *, yes: bool) -> str:
    if name == "approval_required":
        return "every stage said yes" if yes else "the customer does not require its own approval"
    return "required" if yes else "not required"


def _spoken_text(name: str, text: str) -> str:
    if name.endswith("_at"):
        return f"{words.minute(parse_timestamp(text))} UTC"
    if name in {"duration", "request_lifetime", "maximum_duration"}:
        duration = parse_duration(text)
        return words.spoken(duration) if duration > timedelta(0) else text
    if name in {"quorum", "customer_quorum"}:
        return words.counted(int(text), "approval")
    if name == "denied_by":
        return "the policy" if text == POLICY else text
    if name in {"alert", "reason"}:
        return text.replace("_", " ")
    return ACTED.get(text, text) if name == "decision" else words.STAGES.get(text, text)
