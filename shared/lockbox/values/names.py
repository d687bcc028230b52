"""Names on the wire: of a tenant, of an action."""

import re

TENANT = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
ACTION = re.compile(r"[a-z][a-z0-9_-]{0,31}\Z")


def is_tenant(name: str) -> bool:
    """Return whether the name can be a tenant's: a DNS label."""
    return TENANT.match(name) is not None


def is_action(name: str) -> bool:
    """Return whether the name can be an action's, such as `read`."""
    return ACTION.match(name) is not None
