from types import SimpleNamespace
from typing import Any

import pytest
from examples.story.cast import StoryError
from examples.story.policies import require_default_policies

from lockbox.contracts import wire
from lockbox.contracts.policy.document import DEFAULT_SETTINGS


def cast(**changes: Any) -> Any:
    """The cast, of which contoso's administrator finds a policy with these changes."""
    policies = {"contoso": wire.encode(DEFAULT_SETTINGS) | changes, "fabrikam": wire.encode(DEFAULT_SETTINGS)}

    def admin(tenant: str) -> Any:
        return SimpleNamespace(email=f"admin@{tenant}.example", get=lambda _path: policies[tenant])

    return SimpleNamespace(contoso_admin=admin("contoso"), fabrikam_admin=admin("fabrikam"))


def test_story_when_a_policy_was_changed_says_which_and_what_to_do() -> None:
    with pytest.raises(StoryError) as refused:
        require_default_policies(cast(audit_only=True, maximum_duration="PT1H"))
    for part in ("contoso", "audit_only, maximum_duration", "lockbox policy put contoso", "HOME_FOLDER="):
        assert part in str(refused.value)


def test_story_when_the_policies_are_the_defaults_is_played() -> None:
    require_default_policies(cast())
