"""Events as sentences. Those of earlier versions stand in trails for ever, and tell what they know."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from portal_service.web.wording.event_values import POLICY, Told
from portal_service.web.wording.words import plain, spoken_within

Data = Mapping[str, Any]

GOOD = frozenset({"request_approved", "access_granted", "grant_activated", "access_allowed"})
BAD = frozenset(
    {
        "request_denied",
        "grant_revoked",
        "access_denied",
        "alert_failed",
        "sign_in_failed",
        "break_glass_requested",
        "break_glass_used",
        "policy_change_rejected",
        "signing_key_revoked",
    }
)
QUIET = frozenset(
    {"alert_sent", "signed_in", "grant_completed", "grant_expired", "request_expired", "request_cancelled"}
)
TONES = {"approve": "good", "deny": "bad"}
SAID = ("comment", "question", "justification")
"""What somebody said with an act, by the names of its field."""


def _request_evaluated(data: Data) -> str:
    outcomes = {
        "approve": "The policy (version {version}) opens access by itself: {why}",
        "deny": "The policy (version {version}) gives no access: {why}",
    }
    because = "; {why}" if data.get("why") else ""
    decide = "The policy (version {version}) wants people to decide: {stages}"
    return outcomes.get(str(data.get("outcome")), decide + because)


def _stage_opened(data: Data) -> str:
    if not data.get("groups"):
        return "The {stage}'s approvers can decide until {expires_at}; {quorum} needed"
    return f"{_of_extension(data)}The stage {{name}} is open until {{expires_at}}; it takes {{groups}}"


def _decision_recorded(data: Data) -> str:
    counts = " ({counts_for})" if data.get("counts_for") else ""
    instead = ", in place of an earlier word" if data.get("instead") else ""
    less = ", but less than was asked: {changes}" if data.get("changes") else ""
    return f"{_of_extension(data)}{{approver}} {{decision}} for the {{stage}}{counts}{instead}{less}"


def _extension_decided(data: Data) -> str:
    outcomes = {
        "approve": "The access was extended until {ends_at}",
        "deny": "The access is not extended; it ends at {ends_at}",
        "lapse": "The access ended before anybody had decided on its extension",
    }
    return outcomes.get(str(data.get("outcome")), "{actor} decided on the extension")


def _policy_changed(data: Data) -> str:
    told = (
        "The policy of {tenant} is now version {version}: approval {require_approval}, requests live "
        "{request_lifetime}, access lasts at most {maximum_duration}"
    )
    if "stages" not in data:
        return told + ", {customer_quorum} needed"
    agreed = ". {proposed_by} had proposed it" if data.get("proposed_by") else ""
    return told + ", decided by {stages}, {rules}, {freezes}" + agreed


def _policy_change_rejected(data: Data) -> str:
    return "{actor} took the proposed change of the policy of {tenant} off the table"


def _of_extension(data: Data) -> str:
    return "" if data.get("extension") is None else "Extension {extension}: "


SENTENCES: Mapping[str, str | Callable[[Data], str]] = {
    "request_created": "{actor} asked {tenant} for access: {actions} on {resources}, for {duration}",
    "request_evaluated": _request_evaluated,
    "stage_opened": _stage_opened,
    "decision_recorded": _decision_recorded,
    "info_requested": "{approver} asked {requester} for information",
    "info_provided": "{requester} answered",
    "review_resumed": "The {stage}'s people go on deciding",
    "request_approved": "The request was approved; {approval_required}",
    "request_denied": "The request was denied by {denied_by}",
    "request_cancelled": "{actor} cancelled the request",
    "request_expired": "The request expired: nobody decided in time, so there is no access",
    "access_granted": "Access was granted to {requester} from {starts_at} until {ends_at}",
    "grant_activated": "Access is open",
    "grant_bound": "{requester} fetched the signed grant, bound to the {to} {thumbprint}",
    "grant_completed": "{actor} closed the access early",
    "grant_revoked": "{actor} revoked the access",
    "grant_expired": "Access ended by itself",
    "extension_requested": "{requester} asked for {duration} more",
    "extension_decided": _extension_decided,
    "policy_changed": _policy_changed,
    "policy_change_proposed": (
        "{actor} proposed a change of the policy of {tenant}; it is in force when another administrator agrees"
    ),
    "policy_change_rejected": _policy_change_rejected,
    "break_glass_requested": (
        "{approver} wants access opened without the customer; nothing is open until a second approver wants it too"
    ),
    "break_glass_used": "{approvers} opened access without the customer, until {ends_at}",
    "break_glass_acknowledged": "{actor} acknowledged the access that was opened without the customer",
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
    "signing_key_created": "Grants are signed with the key {kid} from now on",
    "signing_key_retired": "The key {kid} signs no more; what it has signed counts until its end",
    "signing_key_revoked": "{actor} revoked the key {kid}; nothing that it has signed counts any more",
}


@dataclass(frozen=True)
class Line:
    """One event in words: a sentence, what somebody said with it, and its tone."""

    sentence: str
    comment: str
    tone: str


def line(type_: str, actor: str, data: Data) -> Line:
    """An event in words; one of an unknown type shows its type."""
    return Line(_sentence(type_, actor, data), _comment(type_, data), tone(type_, data))


def tone(type_: str, data: Data) -> str:
    """Whether an event is good news, bad news, or merely news."""
    verdict = TONES.get(str(data.get("decision") or data.get("outcome")))
    if verdict or type_ in GOOD | BAD:
        return verdict or ("good" if type_ in GOOD else "bad")
    return "quiet" if type_ in QUIET else "info"


def _sentence(type_: str, actor: str, data: Data) -> str:
    if type_ not in SENTENCES:
        return plain(type_)
    sentence = SENTENCES[type_]
    template = sentence if isinstance(sentence, str) else sentence(data)
    return template.format_map(Told.by(actor, data))


def _comment(type_: str, data: Data) -> str:
    if type_ == "info_provided":
        return str(data.get("answer") or "")
    if type_ == "break_glass_used" and isinstance(data.get("comments"), list):
        return "\n".join(map(str, data["comments"]))
    if type_ in {"request_created", "stage_opened", "access_granted"}:
        return ""
    said = next((str(data[name]) for name in SAID if data.get(name)), "")
    return spoken_within(said) if data.get("denied_by") == POLICY else said
