"""Faults of a form's fields in words, by code and parameters. Each text follows "Expected"."""

from collections.abc import Mapping

from lockbox.faults import Fault
from portal_service.web.wording.parameters import filled

MESSAGES = frozenset({"terms", "settings", "changes", "policy", "request"})
"""Parts of a message that a form is as a whole; their names are left out of a fault's path."""

FAULTS: Mapping[str, str] = {
    # any form
    "missing": "a value",
    "null": "a value",
    "unknown_field": "no field of this name",
    "not_text": "text",
    "not_a_list": "a list",
    "not_a_whole_number": "a whole number",
    "not_a_number": "a number",
    "not_true_or_false": "true or false",
    "not_an_object": "an object",
    "not_one_of": "one of those in the list",
    "repeated": "one value, not several",
    "not_finite": "a number that is not NaN and not infinite",
    "half_characters": "text of whole characters, without half of a surrogate pair",
    # lengths, counts and ranges
    "wrong_length": "text of {least} to {most} characters",
    "too_long": "text of at most {most} characters",
    "control_characters": "text without control or direction-changing characters",
    "nothing_visible": "text with something to see",
    "hidden_characters": "text without hidden characters",
    "not_a_plain_name": "a name in composed characters (NFC), with nothing hidden and single spaces inside alone",
    "several_lines": "text of one line",
    "out_of_range": "a whole number from {least} to {most}",
    "wrong_count": "{least} to {most} {of}",
    "too_many": "at most {most} {of}",
    "not_distinct": "{of} that are named once",
    "duration_out_of_range": "a duration from {least:duration} to {most:duration}",
    "not_whole_seconds": "a duration of whole seconds",
    "not_longer_than_zero": "a duration longer than zero",
    # forms of text
    "not_a_timestamp": "a date and time in UTC such as 2026-01-31 09:30",
    "year_out_of_range": "a moment of the years {first} to {last}",
    "not_a_duration": "a duration such as 4h or 1h 30m",
    "not_a_tenant_name": "the name of a customer",
    "not_a_resource": "a resource such as mailbox/alice, or a pattern such as mailbox/* or files/**",
    "not_an_action": "an action such as read",
    "not_an_email": "an email address",
    "not_a_uuid": "an id such as 123e4567-e89b-12d3-a456-426614174000",
    "not_an_idempotency_key": "1 to 255 printable ASCII characters without spaces",
    "not_a_service_request": "a service request such as SR-359423",
    "not_a_service_request_pattern": "a pattern of service requests such as SR-###### or SR-*",
    "not_a_thumbprint": "a thumbprint of 43 characters",
    "not_a_member": "a role ({roles:roles}) or the address of a person",
    "not_a_time_of_day": "a time of day such as 08:00",
    "not_a_time_zone": "a time zone such as Europe/Berlin",
    "not_a_local_time": "a local time such as 2026-12-24T18:00",
    "not_a_cursor": "the address of a page of this list",
    "not_an_event_id": "the id of an event of this stream",
    "not_an_event_type": "a type of event such as access_granted",
    # requests, decisions and grants
    "tenant_unknown": "the name of a customer",
    "other_tenant": "{tenant}, as in the address",
    "duration_too_long": "at most {most:duration}",
    "grant_too_large": "fewer or shorter resources: a signed grant has at most {most} characters",
    "start_not_soon": "a moment in the next {days} days, or nothing",
    "service_request_unlike_pattern": (
        "a service request that looks like {pattern}, where # is a digit and * one or more"
    ),
    "changes_with_denial": "no changes, as a rejection leaves nothing",
    "comment_required": "why you reject, as the customer's policy asks",
    "not_changeable": "no change, as an extension has only a duration",
    "longer_than_asked": "at most {most:duration}",
    "not_of_resources": "something of {resources:list}",
    "start_out_of_range": "a moment from {earliest:moment}, within {days} days",
    "extension_beyond_cap": "at most {most:duration}",
    "no_time_left": "no extension, as the access lasts as long as it may",
    "confirmation_required": "a proof of a key, or the thumbprint of a certificate",
    "not_after_start": "a moment after the one that the period begins with",
    "period_too_long": "a moment at most {days} days before the one that the period ends with",
    # policies as a whole
    "audit_only_with_approval": "off, as long as approval is required",
    "longer_than_setting": "at most {setting:setting}, {most:duration}",
    "no_stage_of_side": "a stage of the {side:side}, as require approval is {require_approval:switch}",
    "no_stage": "a stage that decides on extensions and in a freeze",
    "no_second_administrator": "off, as there is no second administrator who could agree",
    "not_a_role_of_side": "{roles:roles}, in a stage of this side",
    "person_without_role": "somebody who is {roles:roles}",
    "more_than_deciders": "at most {most}, as so many people can decide here",
    "groups_share_people": "groups that can all be satisfied, as one person counts once in a stage",
    "rule_without_stage": "a stage",
    "rule_with_stage": "no stage, as only a rule that adds one has it",
    "stage_name_repeated": "a name that no other stage has",
    "name_repeated": "a name that no other one has",
    "longer_than_any_request": "less than {most:duration}, or nothing matches",
    "not_an_engineer": "one of the vendor's engineers",
    "empty_hours": "a time of day other than the end",
    "rule_never_reached": "no rule, as rules.{rule} matches every request",
    "freeze_without_time": "a time after {starts}",
    "freezes_overlap": "a time that does not overlap with “{name}”",
    "time_zone_unknown": "a time zone such as Europe/Berlin",
}


def path(fault: Fault) -> list[str]:
    """Return the path of a fault within the form."""
    first, *rest = fault["field"].split(".")
    return rest if rest and first in MESSAGES else [first, *rest]


def explain(fault: Fault) -> str:
    """Return a fault as a sentence to show beside its field; one of many values is named."""
    text = expected(fault)
    named = len(path(fault)) > 1 and "received" in fault
    return f"“{fault['received']}”: expected {text}." if named else f"Expected {text}."


def expected(fault: Fault) -> str:
    """Return the value that a field should have had; the service's own text for a code that is not known here."""
    text = FAULTS.get(fault.get("code", ""))
    return (filled(text, fault.get("params", {})) if text else None) or fault["expected"]
