"""The OpenAPI document is true: schemathesis finds no answer that it does not say, as each kind of person.

Each person calls the operations that the roles allow. Paths lead to a request and a grant that are there.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from tests.people import People

from lockbox.contracts.identity import Role
from lockbox.contracts.policy.operations import DiffPolicy, EvaluatePolicy
from lockbox.contracts.registry import OPERATIONS, Operation

PEOPLE = {
    "engineer": Role.ENGINEER,
    "woodgrove_approver": Role.CUSTOMER_APPROVER,
    "woodgrove_admin": Role.CUSTOMER_ADMIN,
    "woodgrove_auditor": Role.CUSTOMER_AUDITOR,
}
ADMIN = "woodgrove_admin"
LONG = (DiffPolicy, EvaluatePolicy)
"""Operations with a whole policy as their input, as `put_policy` has it: its form is covered there."""
LONGEST_SECONDS = 300
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


@pytest.mark.timeout(LONGEST_SECONDS + 20)
@pytest.mark.parametrize(("name", "role"), PEOPLE.items(), ids=PEOPLE)
def test_document_when_schemathesis_tries_each_operation_is_true(
    name: str, role: Role, people: People, there: Mapping[str, str], tmp_path: Path
) -> None:
    own = [one for one in OPERATIONS if one.routes and role in one.roles and one not in LONG]
    tried(people, name, own, "examples,coverage,fuzzing,stateful", write_settings(tmp_path, there))


@pytest.mark.timeout(LONGEST_SECONDS + 20)
def test_document_when_schemathesis_tries_a_policy_is_true(
    people: People, there: Mapping[str, str], tmp_path: Path
) -> None:
    tried(people, ADMIN, LONG, "examples,fuzzing,stateful", write_settings(tmp_path, there))


def write_settings(folder: Path, there: Mapping[str, str]) -> Path:
    settings = SETTINGS + "".join(f'"path.{parameter}" = "{value}"\n' for parameter, value in there.items())
    (folder / "schemathesis.toml").write_text(settings)
    return folder


def tried(people: People, name: str, operations: Sequence[Operation], phases: str, folder: Path) -> None:
    command = [
        *(Path(sys.executable).with_name("schemathesis"), "--no-color", "run", f"{people.portal}/openapi.json"),
        *("--url", people.portal, "--header", f"Authorization: Bearer {getattr(people, name).token}"),
        *("--phases", phases, "--max-examples", "2", "--suppress-health-check", "all"),
        *(option for one in operations for option in ("--include-operation-id", one.method)),
    ]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
    assert ran.returncode == 0, ran.stdout[-8_000:] + ran.stderr[-2_000:]
    assert f"Selected: {len(operations)}/" in ran.stdout
