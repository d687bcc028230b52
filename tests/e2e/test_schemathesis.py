"""The OpenAPI document is true: schemathesis finds no answer that it does not say, as each kind of person.

Each person calls the operations that the roles allow. Paths lead to a request and a grant that are there.
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.people import People

from lockbox.contracts.identity import Role
from lockbox.contracts.policy.operations import DiffPolicy, EvaluatePolicy
from lockbox.contracts.registry import OPERATIONS

PEOPLE = {
    "engineer": Role.ENGINEER,
    "woodgrove_approver": Role.CUSTOMER_APPROVER,
    "woodgrove_admin": Role.CUSTOMER_ADMIN,
    "woodgrove_auditor": Role.CUSTOMER_AUDITOR,
}
ADMIN = "woodgrove_admin"
LONG = (DiffPolicy, EvaluatePolicy)
"""Operations with a whole policy as their input: once is enough."""
SETTINGS = """
[generation]
deterministic = true

# What breaks a rule of meaning fits its schema and is refused with 422: a start in the past, a cursor of another list.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422", "429", "503"]

[parameters]
"""


@pytest.fixture(scope="module")
def there(people: People) -> Mapping[str, str]:
    """The parameters of paths that lead to something."""
    grant = people.granted(tenant="woodgrove")["grant"]
    return {"request_id": grant["request_id"], "grant_id": grant["id"], "tenant": "woodgrove"}


@pytest.mark.parametrize(("name", "role"), PEOPLE.items(), ids=PEOPLE)
def test_document_when_schemathesis_tries_each_operation_is_true(
    name: str, role: Role, people: People, there: Mapping[str, Any], tmp_path: Path
) -> None:
    settings = SETTINGS + "".join(f'"path.{parameter}" = "{value}"\n' for parameter, value in there.items())
    (tmp_path / "schemathesis.toml").write_text(settings)
    own = [one for one in OPERATIONS if one.routes and role in one.roles and (name == ADMIN or one not in LONG)]
    command = [
        *(Path(sys.executable).with_name("schemathesis"), "--no-color", "run", f"{people.portal}/openapi.json"),
        *("--url", people.portal, "--header", f"Authorization: Bearer {getattr(people, name).token}"),
        *("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "2", "--suppress-health-check", "all"),
        *(option for one in own for option in ("--include-operation-id", one.method)),
    ]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=170, check=False)
    assert ran.returncode == 0, ran.stdout[-8_000:] + ran.stderr[-2_000:]
    assert f"Selected: {len(own)}/" in ran.stdout
