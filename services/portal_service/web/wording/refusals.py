"""Refusals and failures as sentences, by code and parameters."""

from collections.abc import Mapping
from typing import Any

from lockbox.errors import LockboxError
from portal_service.web.wording import faults, words
from portal_service.web.wording.parameters import filled

REFUSALS: Mapping[str, str] = {
    # roles, relations and visibility
    "role_required": "This needs the role {roles:roles}.",
    "requests_not_visible": "Your roles show you no requests.",
    "own_request": "Nobody decides on an own request.",
    "not_your_stage": "The {side:side}'s people decide now.",
    "not_eligible": "The policy lets others decide in this stage: {groups:list}.",
    "not_requester": "Only the engineer who asked can do this.",
    "own_proposal": "Another administrator has to agree.",
    "request_not_found": "There is no such request.",
    "grant_not_found": "There is no such grant.",
    "tenant_not_found": "There is no such customer.",
    "key_not_found": "There is no such key.",
    "queue_not_found": "There is no such queue.",
    "parked_message_not_found": "There is no such parked message.",
    # the state of a request, a grant, a policy or a key
    "request_approved": "This request is approved; nothing can change that.",
    "request_denied": "This request is denied; nothing can change that.",
    "request_cancelled": "This request is cancelled; nothing can change that.",
    "request_expired": "This request is expired; nothing can change that.",
    "request_changed": "This is not, or not any more, what you were shown. Look at it again.",
    "request_not_open_yet": "The request is not open for decisions yet. Try again in a moment.",
    "nothing_open": "Nothing waits for a decision.",
    "already_decided": "You have decided so already; others have to decide too.",
    "nothing_asked": "No question waits for an answer.",
    "too_many_questions": "{most} questions, or 100,000 characters, were asked. Decide, or let the request expire.",
    "too_many_extensions": "{most} extensions are the most for one request. Ask for access anew.",
    "too_many_votes": "You have decided {most} times in this stage. Your last decision stands.",
    "too_large_to_change": "This was changed too often. It can still be ended.",
    "too_many_answers": "{most} answers were given.",
    "too_many_requests": "The limit of {most} requests in an hour for {name} is reached. Try again in {retry_after} s.",
    "access_frozen": "The freeze “{freeze}” allows no access until {until:moment}.",
    "break_glass_not_allowed": "The customer's policy does not allow break-glass.",
    "break_glass_unused": "This access was not opened by break-glass.",
    "already_acknowledged": "{acknowledged_by} has acknowledged it.",
    "grant_ended": "This grant is {state:state}.",
    "grant_not_active": "The access has not begun; an extension can be asked for while it is open.",
    "extension_pending": "An extension is asked for already.",
    "too_many_keys": "This grant was fetched for {most} keys already.",
    "proposal_stale": "This is not, or not any more, what is proposed. Look at the policy again.",
    "policy_too_complex": "The policy takes more than {most} steps. Use fewer patterns, groups or resources.",
    "policy_version_stale": "The policy is at version {version}, not {expected}.",
    "policy_unknown": "The customer's policy is not known here yet. Try again in a moment.",
    "key_revoked": "This key was revoked before.",
    "idempotency_key_reused": "This form was sent before with other values. Open it again.",
    "busy": "Too many changes came at once. Try again.",
    "parked_queue_busy": "Someone else works on these parked messages. Try again.",
    # signing in
    "sign_in_failed": "The address or the password is wrong.",
    "token_missing": "Sign in first.",
    "token_unknown": "Your session is not known here. Sign in again.",
    "session_expired": "The session has ended. Sign in again.",
    "account_removed": "This account does not exist any more.",
    "sign_in_busy": "Many people sign in right now. Try again in a moment.",
    "too_many_attempts": "There were too many failed sign-ins. Try again in {retry_after} seconds.",
    # input that is no form
    "malformed_json": "The document is not JSON: {reason}.",
    "not_json": "The body is not JSON.",
    # parts that do not answer
    "service_timeout": "A part of Lockbox did not answer in time.",
    "service_slow": "A part of Lockbox did not answer in time.",
    "service_absent": "A part of Lockbox has never been started.",
    "service_failed": "A part of Lockbox could not answer; its log says why.",
    "broker_blocked": "The message broker takes no messages now.",
    "broker_unavailable": "The message broker does not answer.",
    "topology_incomplete": "A queue is missing on the message broker.",
    "copy_refused": "The message stays parked: the message broker did not take a copy.",
    "clocks_apart": "Two machines of Lockbox tell different times.",
    "report_too_long": "The report is too long. Ask for a shorter period.",
    "no_signing_key": "The first signing key is not made yet. Try again.",
    "signing_key_sealed": "The signing key can't be unsealed, so no grant can be signed.",
    "signer_unavailable": "The signer does not answer, so no grant can be signed.",
    "too_many_listeners": "Too many enforcement points listen to the portal.",
}


def refusal(code: str, message: str, params: Mapping[str, Any]) -> str:
    """Return a refusal as a sentence; the service's own message for a code that is not known here."""
    text = REFUSALS.get(code)
    return (filled(text, params) if text else None) or f"{message[:1].upper()}{message[1:].rstrip('.')}."


def details(error: LockboxError) -> tuple[str, ...]:
    """Return the sentences that explain an error: one for each fault, else its refusal."""
    named = tuple(f"{words.label(fault['field'])}: {faults.explain(fault)}" for fault in error.faults)
    return named or (refusal(error.code, error.message, error.params),)


def unchanged(error: LockboxError) -> str:
    """Return the message for a command that was refused."""
    return " ".join(("Nothing was changed.", *details(error)))
