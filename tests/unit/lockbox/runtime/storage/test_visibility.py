from typing import Any

import pytest
from tests.unit.builders import caller

from lockbox.contracts.identity import Role
from lockbox.runtime.storage.visibility import visible_to

PLACES = [
    {"state.tenant": tenant, "state.requester": requester, "_id": "1"}
    for tenant in ("contoso", "fabrikam")
    for requester in ("erin@vendor.example", "eve@vendor.example")
]


def lets_through(where: dict[str, Any], document: dict[str, Any]) -> bool:
    """As MongoDB reads the two forms that a filter has here: equality, and `$in`."""
    return all(
        document[name] in rule["$in"] if isinstance(rule, dict) else document[name] == rule
        for name, rule in where.items()
    )


@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize("organisation", ["vendor", "contoso", "fabrikam", "unknown"])
@pytest.mark.parametrize("email", ["erin@vendor.example", "somebody@else.example"])
def test_visible_to_when_it_filters_lets_through_what_the_caller_sees(
    role: Role | None, organisation: str, email: str
) -> None:
    somebody = caller(email, organisation, *([] if role is None else [role]))
    for document in PLACES:
        sees = somebody.sees(document["state.tenant"], document["state.requester"])
        assert lets_through(visible_to(somebody), document) is sees, document
