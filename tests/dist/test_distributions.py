"""Each distribution, installed into an empty environment, has all that it needs and nothing that it does not."""

import json
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import pytest
from scripts import distributions
from scripts.distributions import ROOT, Wheel

IMPORT_EACH = """
import importlib, sys, warnings
warnings.simplefilter("ignore")
for name in sys.argv[1:]:
    importlib.import_module(name)
"""
INSTALLED = """
import json
from importlib.metadata import distributions
print(json.dumps(sorted({one.name.lower().replace("_", "-") for one in distributions()})))
"""
ENFORCE = """
import sys, time
from pathlib import Path
from lockbox.crypto.keys import generate_signing_key, load_signing_key
from lockbox.crypto.possession import Target, prove
from lockbox.crypto.tokens import GRANT_TOKEN, sign
from lockbox.guard import Attempt, Dpop, Guard
from lockbox.guard.judgement import Facts, Judge
from lockbox.crypto.keys import PublicKeys

folder, now = Path(sys.argv[1]), time.time()
for name in ("issuer", "engineer"):
    generate_signing_key(folder / name)
issuer, engineer = (load_signing_key(folder / name) for name in ("issuer", "engineer"))
claims = {"sub": "erin@vendor.example", "jti": "g-1", "request": "r-1", "tenant": "contoso", "nbf": now, "exp": now + 60,
          "resources": ["mailbox/alice"], "actions": ["read"], "cnf": {"jkt": engineer.kid}}
grant = sign(GRANT_TOKEN, claims, issuer)
url = "https://files.vendor.example/a"
shown = Dpop(prove(engineer, Target("GET", url), now, "p-1", grant), "GET", url)
facts = Facts(PublicKeys.from_jwks([issuer.jwk]), frozenset(), frozenset())
decide = Judge("required", skew=5.0).decide
for attempt in ("mailbox/alice", "mailbox/bob"):
    wanted = Attempt(tenant="contoso", resource=attempt, action="read")
    print(decide(grant, wanted, shown, facts, now).reason)
    shown = Dpop(prove(engineer, Target("GET", url), now, "p-2", grant), "GET", url)

(folder / "token").write_text("lbk_secret")
guard = Guard("http://127.0.0.1:9", folder / "token")
guard.start()
print(guard.enforce(grant, "contoso", "mailbox/alice", "read", shown).reason)
guard.stop()
"""
EXTRA = {"lockbox.guard.listening", "lockbox.guard.nameko", "lockbox.guard.serve"}
EMBEDDED = re.compile(r"lockbox\.embedded\b")  # its extra has a whole MongoDB
MOST_INSTALLED = 8

Environment = Callable[..., Path]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Wheel]:
    return distributions.build(tmp_path_factory.mktemp("wheels"))


@pytest.fixture(scope="module")
def guard(wheels: dict[str, Wheel], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the guard alone."""
    return distributions.environment(tmp_path_factory.mktemp("guard"), str(wheels["lockbox-guard"].path))


@pytest.fixture(scope="module")
def cli(wheels: dict[str, Wheel], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the command line, which may serve a guard."""
    requirements = [f"{wheels[name].path}[serve]" for name in ("lockbox-guard", "lockbox-cli")]
    return distributions.environment(tmp_path_factory.mktemp("cli"), *requirements)


@pytest.fixture(scope="module")
def server(wheels: dict[str, Wheel], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the services, their keys in a device, and the guard for Nameko."""
    requirements = [f"{wheels['lockbox-guard'].path}[nameko]", f"{wheels['lockbox-server'].path}[pkcs11]"]
    return distributions.environment(tmp_path_factory.mktemp("server"), *requirements)


def run(python: Path, code: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run code in a process that sees the environment alone."""
    return subprocess.run([python, "-I", "-c", code, *arguments], capture_output=True, text=True, check=False)


def require_imports(python: Path, modules: Iterator[str] | list[str]) -> None:
    result = run(python, IMPORT_EACH, *modules)
    assert result.returncode == 0, result.stderr


def installed(python: Path) -> set[str]:
    return set(json.loads(run(python, INSTALLED).stdout))


# --- the wheels ----------------------------------------------------------------------------------------------------


def test_wheels_when_compared_share_no_file_and_leave_none_out(wheels: dict[str, Wheel]) -> None:
    for one, other in combinations(wheels.values(), 2):
        assert not one.files & other.files
    roots = [ROOT / name for name in ("services", "shared", "clients", "deploy")]
    listed = subprocess.check_output(["git", "ls-files", *roots], cwd=ROOT, text=True).split()
    assert set.union(*(set(wheel.files) for wheel in wheels.values())) >= {file.partition("/")[2] for file in listed}


def test_wheels_when_named_have_the_version_of_the_project(wheels: dict[str, Wheel]) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {wheel.path.name.split("-")[1] for wheel in wheels.values()} == {version}
    for name in ("lockbox-cli", "lockbox-server"):
        assert f"lockbox-guard=={version}" in wheels[name].requires


def test_development_when_installed_has_what_the_distributions_need() -> None:
    """The project for development repeats their requirements, word by word."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ours = {*project["dependencies"], *(one for extra in project["optional-dependencies"].values() for one in extra)}
    for name in distributions.NAMES:
        document = tomllib.loads((ROOT / "packaging" / name / "pyproject.toml").read_text())
        theirs = set(document["tool"]["hatch"]["metadata"]["hooks"]["custom"]["requires"])
        extras = document["project"].get("optional-dependencies", {}).values()
        theirs |= {one for extra in extras for one in extra if not one.startswith("lockbox-")}
        assert theirs <= ours, name


# --- the guard -----------------------------------------------------------------------------------------------------


def test_guard_when_installed_brings_few_distributions_no_service_and_no_schemas(guard: Path) -> None:
    found = installed(guard)
    assert "lockbox-guard" in found
    assert len(found) <= MOST_INSTALLED, found
    assert not found & {"marshmallow", "marshmallow-dataclass", "isodate", "httpx", "nameko", "pyjwt", "flask"}
    for module in ("lockbox.contracts", "lockbox.runtime", "lockbox.cli", "approval_service", "marshmallow"):
        assert "ModuleNotFoundError" in run(guard, f"import {module}").stderr, module


def test_guard_when_installed_has_every_module_that_it_needs(guard: Path, wheels: dict[str, Wheel]) -> None:
    require_imports(guard, [name for name in wheels["lockbox-guard"].modules if name not in EXTRA])


def test_guard_when_installed_verifies_a_grant_and_answers(guard: Path, tmp_path: Path) -> None:
    result = run(guard, ENFORCE, str(tmp_path))
    assert result.stdout.split() == ["granted", "other_resource", "revocations_stale"], result.stderr


def test_guard_when_imported_takes_a_time_that_is_shown(guard: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\n{distributions.import_times(guard)}")  # noqa: T201
    modules = run(guard, "import lockbox.guard, sys; print(*sys.modules)").stdout.split()
    assert not {"urllib3", "waitress", "nameko", "email.message"} & set(modules)


@pytest.mark.parametrize("lost", ["values/timestamps.py", "crypto/jws.py", "errors.py", "guard/tables.py"])
def test_guard_when_a_module_is_left_out_can_not_be_imported(
    guard: Path, wheels: dict[str, Wheel], tmp_path: Path, lost: str
) -> None:
    """The negative control: a distribution that lacks a module does not pass."""
    [folder] = guard.parent.parent.glob("lib/python*/site-packages/lockbox")
    kept = (folder / lost).rename(tmp_path / "kept.py")
    try:
        with pytest.raises(AssertionError, match="ModuleNotFoundError|ImportError"):
            require_imports(guard, [name for name in wheels["lockbox-guard"].modules if name not in EXTRA])
    finally:
        kept.rename(folder / lost)


# --- the command line ----------------------------------------------------------------------------------------------


def test_cli_when_installed_has_every_module_that_it_needs(cli: Path, wheels: dict[str, Wheel]) -> None:
    require_imports(cli, wheels["lockbox-cli"].modules)
    require_imports(cli, ["lockbox.guard.serve"])
    assert not installed(cli) & {"marshmallow", "nameko", "lockbox-server"}


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [(["--help"], "Usage: lockbox"), (["guard", "serve", "--help"], "--config"), (["request", "--help"], "--tenant")],
)
def test_cli_when_installed_is_a_command(cli: Path, arguments: list[str], shown: str) -> None:
    result = subprocess.run(
        [cli.with_name("lockbox"), *arguments], capture_output=True, text=True, check=True, env={"COLUMNS": "200"}
    )
    assert shown in result.stdout


# --- the server ----------------------------------------------------------------------------------------------------


def test_server_when_installed_has_every_module_that_it_needs(server: Path, wheels: dict[str, Wheel]) -> None:
    modules = [name for name in wheels["lockbox-server"].modules if not EMBEDDED.match(name)]
    assert {f"{name}_service.service" for name in ("request", "approval", "notify", "audit", "portal")} <= set(modules)
    require_imports(server, modules)
    require_imports(server, ["lockbox.guard.nameko"])
