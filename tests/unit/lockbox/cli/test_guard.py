"""`lockbox guard`: what it says before it serves; serving itself is tested with the server."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.lockbox.cli.commands import fails, works

CONFIGURATION = """
portal = "https://lockbox.vendor.example"
token_file = "token"
origin = "https://files.vendor.example"
frontend = "nginx"

[[routes]]
path = "/documents/{tenant}/{resource...}"
actions = {GET = "read", PUT = "write"}

[[routes]]
path = "/healthz"
open = true
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    (tmp_path / "token").write_text("lbk_secret")
    path = tmp_path / "guard.toml"
    path.write_text(CONFIGURATION)
    return str(path)


def test_explain_when_a_grant_is_needed_says_which(config: str) -> None:
    said = works("guard", "explain", "--config", config, "PUT", "/documents/contoso/mailbox/alice?page=2")
    assert said == "Needs a grant of contoso for mailbox/alice, action write.\n"


def test_explain_when_all_is_open_says_so(config: str) -> None:
    assert works("guard", "explain", "-c", config, "DELETE", "/healthz") == "Open: no grant is asked for.\n"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/documents/contoso/mailbox/alice", {"tenant": "contoso", "resource": "mailbox/alice", "action": "read"}),
        ("/healthz", None),
    ],
)
def test_explain_when_for_scripts_says_it_as_json(config: str, path: str, expected: object) -> None:
    assert json.loads(works("guard", "explain", "-c", config, "GET", path, "--json")) == expected


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/elsewhere", "no_route"),
        ("DELETE", "/documents/contoso/mailbox/alice", "no_route"),
        ("GET", "/documents/contoso/mailbox/%2e%2e/alice", "path_ambiguous"),
        ("GET", "/documents/contoso/mailbox", "other_resource"),
        ("GET", "/documents/contoso/mailbox/*", "other_resource"),
    ],
)
def test_explain_when_no_grant_could_open_it_says_why(config: str, method: str, path: str, code: str) -> None:
    said = fails("guard", "explain", "-c", config, method, path)
    assert said.startswith("refused, whatever the grant: ")
    assert said.endswith(f"[{code}]")


@pytest.mark.parametrize("command", [["serve"], ["explain", "GET", "/"]])
def test_command_when_the_configuration_is_wrong_names_the_file_and_every_fault(
    tmp_path: Path, command: list[str]
) -> None:
    path = tmp_path / "guard.toml"
    path.write_text('frontend = "caddy"\ntoken_file = "token"\n[[routes]]\npath = "x"\n')
    name, *arguments = command
    assert fails("guard", name, "-c", str(path), *arguments).splitlines() == [
        f"{path}:",
        "  portal: expected a value",
        "  origin: expected a value",
        "  frontend: expected one of nginx, traefik, envoy, got 'caddy'",
        "  routes.0.path: expected a path such as /documents/{tenant}/{resource...}: plain letters and variables, "
        "no two of a name, one with ..., got 'x'",
    ]


def test_serve_when_no_frontend_is_told_asks_for_it_and_explain_does_not(config: str) -> None:
    path = Path(config)
    path.write_text(CONFIGURATION.replace('frontend = "nginx"\n', ""))
    assert fails("guard", "serve", "-c", config) == f"{path}:\n  frontend: expected one of nginx, traefik, envoy"
    assert works("guard", "explain", "-c", config, "GET", "/healthz")


def test_serve_when_there_is_no_token_says_so(config: str) -> None:
    Path(config).with_name("token").unlink()
    assert "token" in fails("guard", "serve", "-c", config)


@pytest.mark.parametrize("listen", ["8491", ":8491", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000"])
def test_serve_when_the_address_is_none_says_what_is_expected(config: str, listen: str) -> None:
    said = fails("guard", "serve", "-c", config, "--listen", listen)
    assert said == f"--listen: expected a host and a port, such as 127.0.0.1:8491, got {listen!r}"


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else has."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_serve_when_the_port_is_taken_says_so(config: str, taken: int) -> None:
    assert fails("guard", "serve", "-c", config, "--listen", f"127.0.0.1:{taken}").startswith("can't listen on")
