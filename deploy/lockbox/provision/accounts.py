"""The accounts of the demo, and the portal's seed for them."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockbox.provision.files import write_private_json

DEMO_MEMBERS: Mapping[str, tuple[str, str, list[str]]] = {
    "engineer": ("erin.engineer@vendor.example", "vendor", ["engineer"]),
    "vendor_approver": ("victor.approver@vendor.example", "vendor", ["vendor_approver"]),
    "vendor_auditor": ("vera.auditor@vendor.example", "vendor", ["vendor_auditor"]),
    "operator": ("otto.operator@vendor.example", "vendor", ["operator"]),
    "contoso_approver": ("alice.approver@contoso.example", "contoso", ["customer_approver"]),
    "contoso_admin": ("carol.admin@contoso.example", "contoso", ["customer_admin"]),
    "contoso_auditor": ("aaron.auditor@contoso.example", "contoso", ["customer_auditor"]),
    "fabrikam_approver": ("frank.approver@fabrikam.example", "fabrikam", ["customer_approver"]),
    "fabrikam_admin": ("fiona.admin@fabrikam.example", "fabrikam", ["customer_admin"]),
}
ENFORCEMENT_POINT = "content-service@vendor.example"
TENANTS_OF_CONTENT = ("contoso", "fabrikam")
"""The tenants with content in the example product, and so those of its token."""


Members = Mapping[str, tuple[str, str, list[str]]]


def write_demo_accounts(path: Path, members: Members, urls: Mapping[str, str], api_token: str) -> str:
    """Write the accounts with their passwords, keep passwords that exist, and return the portal's seed.

    `members` are address, organisation and roles by name; `urls` those of `portal` and `content`.
    """
    known = json.loads(path.read_text())["accounts"] if path.exists() else {}
    accounts = {
        name: {
            "email": email,
            "password": known.get(name, {}).get("password") or secrets.token_urlsafe(12),
        }
        for name, (email, _, _) in members.items()
    }
    write_private_json(path, {**urls, "accounts": accounts})
    return json.dumps(_seed(members, accounts, api_token))


def _seed(members: Members, accounts: Mapping[str, Mapping[str, str]], api_token: str) -> dict[str, Any]:
    people = [
        {
            "email": email,
            "organisation": organisation,
            "roles": roles,
            "password": accounts[name]["password"],
        }
        for name, (email, organisation, roles) in members.items()
    ]
    machine = {
        "email": ENFORCEMENT_POINT,
        "organisation": "vendor",
        "roles": ["enforcement_point"],
        "api_token": api_token,
        "tenants": list(TENANTS_OF_CONTENT),
    }
    return {"members": [*people, machine]}


def describe_accounts(document: Mapping[str, Any]) -> str:
    """Return the addresses and accounts as text for people."""
    lines = [f"\nThe portal is at {document['portal']}, the example product at {document['content']}. Sign in as:\n"]
    lines += [f"  {name:18} {known['email']:36} {known['password']}" for name, known in document["accounts"].items()]
    return "\n".join(lines) + "\n"
