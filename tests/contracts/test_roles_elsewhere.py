"""No code decides by a role alone outside the declarations of operations.

A role may be named in the few files below, each for a reason that is no permission of an operation by the role alone.
"""

import ast
import re
from collections.abc import Iterator

import pytest
from tests.sources import ROOT, modules, parsed

SOURCES = ("services", "shared", "clients", "deploy", "examples")
ALLOWED = {
    "shared/lockbox/contracts/identity.py": "defines the roles, and who sees a request: role and tenant or requester",
    "shared/lockbox/contracts/calls.py": "reads the roles of a declaration",
    "shared/lockbox/contracts/registry.py": "checks the roles of declarations",
    "shared/lockbox/contracts/policy/document.py": "names the roles that can decide for a side, whatever a policy says",
    "shared/lockbox/runtime/rpc/caller_token.py": "reads the roles of a caller token",
    "services/approval_service/domain/approval/deliberation.py": "matches role, side and group of the open stage",
    "services/approval_service/store.py": "finds the open stages with a group of the caller's role, for the queue",
    "services/approval_service/domain/policy/validation.py": "counts the people who could fill a group of a policy",
    "services/approval_service/domain/people.py": "finds people by role and side",
    "services/notify_service/domain/email.py": "names the recipients of an email",
    "services/notify_service/domain/alert.py": "names the recipients of an alert",
    "services/portal_service/domain/account.py": "checks that an organisation has the roles that it gives",
    "services/portal_service/domain/seed.py": "checks that tokens of enforcement points alone have tenants",
    "services/portal_service/revocation_stream.py": "names the role that the portal itself calls with",
}
USES = re.compile(
    r"Role\.[A-Z_]+|CUSTOMER_ROLES|VENDOR_ROLES|DECIDING_ROLES|DECIDERS|SIGNED_IN|(?:caller|person)(?:\(\))?\.roles"
    r"|\S+\.has\(.*\)"
)
FORMS = (ast.Name, ast.Attribute, ast.Call)


def roles_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The places where a role or a set of roles is used; declarations of operations and imports are not counted."""
    for node in outside_declarations(tree):
        if isinstance(node, FORMS) and USES.fullmatch(text := ast.unparse(node)):
            yield node.lineno, text


def outside_declarations(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.ClassDef) and isinstance(child, ast.keyword) and child.arg in {"roles", "only"}:
            continue
        yield child
        yield from outside_declarations(child)


def test_roles_when_named_outside_declarations_are_in_the_places_with_a_reason() -> None:
    found = {
        f"{path.relative_to(ROOT)}:{line} {text}"
        for path in modules(*SOURCES)
        if str(path.relative_to(ROOT)) not in ALLOWED
        for line, text in roles_in(parsed(path))
    }
    assert found == set()


@pytest.mark.parametrize("path", ALLOWED)
def test_place_when_it_has_a_reason_still_names_a_role(path: str) -> None:
    text = (ROOT / path).read_text()
    assert re.search(r"\bRole\b|_ROLES\b|\broles\b", text), "no role any more: take the place off the list"


def test_templates_when_read_name_no_role() -> None:
    templates = sorted((ROOT / "services" / "portal_service" / "templates").rglob("*"))
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in templates if path.is_file()}
    found = {name for name, text in texts.items() if re.search(r"\bRole\.|\.has\(|DECIDERS|REPORT_READERS", text)}
    assert found == set()
