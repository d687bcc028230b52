"""The form with the simple settings of a policy; stages, rules and freezes are in its document alone."""

from typing import Any

from lockbox.contracts import wire
from lockbox.contracts.policy.document import PolicySettings
from lockbox.contracts.policy.views import PolicyView
from portal_service.web.shell.forms import Form, as_duration
from portal_service.web.wording import words

SWITCHES = ("require_approval", "audit_only", "four_eyes", "comment_on_denial")
DURATIONS = ("request_lifetime", "default_duration", "maximum_duration", "maximum_total")


def form_of(policy: PolicyView) -> Form:
    """Return the form filled in with the policy in force."""
    switches = {name: "on" for name in SWITCHES if getattr(policy, name)}
    return Form.fresh(
        **{name: words.compact(getattr(policy, name)) for name in DURATIONS},
        **({"break_glass_allowed": "on"} if policy.break_glass.allowed else {}),
        break_glass=words.compact(policy.break_glass.duration),
        service_request_pattern=policy.service_request_pattern or "",
        version=str(policy.version),
        **switches,
    )


def settings_of(policy: PolicyView, form: Form) -> PolicySettings:
    """Return the policy with the settings of the form; stages, rules and freezes stay. Raises `Invalid`."""
    simple: dict[str, Any] = {
        **{name: name in form.typed for name in SWITCHES},
        **{name: as_duration(form.text(name)) for name in DURATIONS},
        "service_request_pattern": form.text("service_request_pattern") or None,
        "break_glass": {
            "allowed": "break_glass_allowed" in form.typed,
            "duration": as_duration(form.text("break_glass")),
        },
    }
    return wire.decode(PolicySettings, wire.encode(policy, PolicySettings) | simple)


def needs_confirmation(policy: PolicyView, settings: PolicySettings) -> bool:
    """Tell whether a change lets access open with fewer people than before: approval off, or audit only on."""
    approval_off = policy.require_approval and not settings.require_approval
    return approval_off or (settings.audit_only and not policy.audit_only)
