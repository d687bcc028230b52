"""Names and ids on the wire: of a tenant, an action, a queue; UUIDs and thumbprints."""

import re

TENANT = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")
ACTION = re.compile(r"[a-z][a-z0-9_-]{0,31}\Z")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}\Z")
SIGNED = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2}\Z")
QUEUE = re.compile(r"[a-z][a-z0-9_]*(?:[.-][A-Za-z0-9_]+)*\Z")


def is_tenant(name: str) -> bool:
    """Return whether the name can be a tenant's: a DNS label."""
    return TENANT.match(name) is not None


def is_action(name: str) -> bool:
    """Return whether the name can be an action's, such as `read`."""
    return ACTION.match(name) is not None


def is_uuid(name: str) -> bool:
    """Return whether it is an identifier in the canonical text form of RFC 9562."""
    return UUID.match(name) is not None


def is_thumbprint(name: str) -> bool:
    """Return whether it is the SHA-256 of a key or a certificate, as base64url."""
    return THUMBPRINT.match(name) is not None


def is_signed(text: str) -> bool:
    """Return whether it has the form of something signed: a compact JWS (RFC 7515)."""
    return SIGNED.match(text) is not None


def is_queue(name: str) -> bool:
    """Return whether the name can be a queue's, such as `audit_service.on_event.v1`."""
    return QUEUE.match(name) is not None
