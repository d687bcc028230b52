"""Faults of an input: for each field, a stable code with its parameters, and the same in English.

The code and the parameters are for programs that word a fault themselves; docs/errors.md lists them. The English is for
logs and for programs that show it as it is.
"""

from collections.abc import Mapping
from string import Formatter
from typing import Any, NotRequired, TypedDict

LONGEST_SHOWN = 120

FAULTS: Mapping[str, str] = {
    # any message
    "missing": "a value",
    "null": "a value, not null",
    "unknown_field": "no field of this name",
    "not_text": "a string",
    "not_a_list": "a list",
    "not_a_whole_number": "a whole number",
    "not_a_number": "a number",
    "not_true_or_false": "true or false",
    "not_an_object": "an object",
    "not_one_of": "one of {choices}",
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
    "duration_out_of_range": "a duration from {least} to {most}",
    "not_whole_seconds": "a duration of whole seconds",
    "not_longer_than_zero": "a duration longer than zero",
    # forms of text
    "not_a_timestamp": "an RFC 3339 timestamp such as 2026-01-31T09:30:00Z",
    "year_out_of_range": "a moment of the years {first} to {last}",
    "not_a_duration": "an ISO 8601 duration such as PT4H",
    "not_a_tenant_name": "1 to 63 lower-case letters, digits or inner hyphens",
    "not_a_resource": "a resource such as mailbox/alice, or a pattern such as mailbox/* or files/**",
    "not_an_action": "an action such as read",
    "not_an_email": "an email address",
    "not_a_uuid": "a UUID such as 123e4567-e89b-12d3-a456-426614174000",
    "not_an_idempotency_key": "1 to 255 printable ASCII characters without spaces",
    "not_a_service_request": "a service request such as SR-359423",
    "not_a_service_request_pattern": "a pattern of service requests such as SR-###### or SR-*",
    "not_a_thumbprint": "a thumbprint of 43 characters",
    "not_a_member": "a role ({roles}) or the address of a person",
    "not_a_time_of_day": "a time of day such as 08:00",
    "not_a_time_zone": "a time zone such as Europe/Berlin",
    "not_a_local_time": "a local time such as 2026-12-24T18:00",
    "not_a_cursor": "the next_cursor of an earlier answer",
    "not_an_event_id": "the id of an event of this stream",
    "not_an_event_type": "a type of event such as access_granted",
    "not_an_origin": "one such as https://files.vendor.example",
    "wrong_content_type": "{type}",
    "wrong_header": "a header of kind {kind}",
    "password_without_tls": "no user unless smtp_starttls is true",
    # requests, decisions and grants
    "tenant_unknown": "the name of a tenant",
    "other_tenant": "{tenant}, as in the address",
    "duration_too_long": "at most {most}",
    "grant_too_large": "resources and actions that a signed grant of at most {most} characters can name",
    "start_not_soon": "a moment in the next {days} days, or null",
    "service_request_unlike_pattern": (
        "a service request that looks like {pattern}, where # is a digit and * one or more"
    ),
    "changes_with_denial": "null, as a denial leaves nothing",
    "comment_required": "why you deny, as the tenant's policy asks",
    "not_changeable": "null, as an extension has only a duration",
    "longer_than_asked": "at most {most}",
    "not_of_resources": "something of {resources}",
    "start_out_of_range": "a moment from {earliest}, within {days} days",
    "extension_beyond_cap": "at most {most}",
    "no_time_left": "none, as the access lasts as long as it may",
    "confirmation_required": "a proof of a key, or the thumbprint of a certificate",
    "not_after_start": "a moment after `from`",
    "period_too_long": "a moment at most {days} days before `to`",
    # policies as a whole
    "audit_only_with_approval": "false while require_approval is true",
    "longer_than_setting": "at most {setting}, {most}",
    "no_stage_of_side": "a stage of the {side:lower}, as require_approval is {require_approval}",
    "no_stage": "a stage that decides on extensions and in a freeze",
    "no_second_administrator": "false while there are not two administrators",
    "not_a_role_of_side": "{roles:or}, in a stage of this side",
    "person_without_role": "somebody who is {roles:or}",
    "more_than_deciders": "at most {most}, as so many people can decide here",
    "groups_share_people": "groups that can all be satisfied, as one person counts once in a stage",
    "rule_without_stage": "a stage",
    "rule_with_stage": "nothing, as only add_stage has one",
    "stage_name_repeated": "a name that no other stage has",
    "name_repeated": "a name that no other one has",
    "longer_than_any_request": "less than {most}, or nothing matches",
    "not_an_engineer": "one of the vendor's engineers",
    "empty_hours": "a time of day other than `until`",
    "rule_never_reached": "no rule, as rules.{rule} matches every request",
    "freeze_without_time": "a time after {starts}",
    "freezes_overlap": "a time that does not overlap with {name:quoted}",
    "time_zone_unknown": "a time zone such as Europe/Berlin",
}
"""Each code with its English, in which the parameters are named."""


class Fault(TypedDict):
    """A fault of one field: its path, code and parameters, the value that was expected, and the value received."""

    field: str
    code: NotRequired[str]
    expected: str
    params: NotRequired[Mapping[str, Any]]
    received: NotRequired[str]


class Expected:
    """The value that a field should have had: a code of `FAULTS` with its parameters, which are JSON."""

    def __init__(self, code: str, **params: Any) -> None:
        self.code = code
        self.params = params
        self.text = _ENGLISH.vformat(FAULTS[code], (), params)

    def __repr__(self) -> str:
        return f"{self.code}: {self.text}"

    def fault(self, field: str, *received: object) -> Fault:
        """Return the fault of a field, with the value received if there is one."""
        fault = Fault(field=field, code=self.code, expected=self.text, params=self.params)
        return fault | {"received": str(received[0])[:LONGEST_SHOWN]} if received else fault


class _English(Formatter):
    """Formats parameters in English: lists with commas or with `or`, true and false as JSON has them."""

    def check_unused_args(self, used_args: Any, args: Any, kwargs: Any) -> None:
        """Raise ValueError for a parameter that the English does not name."""
        if unused := set(kwargs) - set(used_args):
            raise ValueError(f"{', '.join(sorted(unused))}: not a parameter of this code")

    def format_field(self, value: Any, format_spec: str) -> str:
        """Return one parameter as text."""
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, list):
            return (" or " if format_spec == "or" else ", ").join(map(str, value))
        return _FORMS.get(format_spec, str)(value)


_FORMS = {"lower": str.lower, "quoted": repr}
_ENGLISH = _English()
