"""The policies that the story is told under: the defaults."""

from examples.story.cast import Cast, expect
from lockbox.contracts import wire
from lockbox.contracts.policy.document import DEFAULT_SETTINGS

ADVICE = (
    "the policy of {tenant} was changed ({changed}), and the story is told under the default. As {email}, set these "
    "back (`lockbox policy put {tenant}`, or the settings in the portal), or play it in a new folder: "
    "make demo HOME_FOLDER=/tmp/lockbox-demo"
)


def require_default_policies(cast: Cast) -> None:
    """Raise `StoryError`, with the way back, for a tenant with another policy than the default."""
    expected = wire.encode(DEFAULT_SETTINGS)
    for tenant, admin in (("contoso", cast.contoso_admin), ("fabrikam", cast.fabrikam_admin)):
        found = admin.get(f"/tenants/{tenant}/policy")
        changed = sorted(name for name, value in expected.items() if found[name] != value)
        expect(not changed, ADVICE.format(tenant=tenant, changed=", ".join(changed), email=admin.email))
