"""docs/guard.md: what it shows works, and what it says is so."""

import asyncio
import re
import shlex
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import typer
import yaml
from tests.unit.lockbox.guard.scene import ALICE, HERS, ISSUER, cookies, grant
from tests.unit.lockbox.guard.stand_in import StandIn, portal_of
from tests.waiting import eventually
from werkzeug.test import Client

from lockbox.cli.main import app
from lockbox.crypto.possession import PROOF_LIVES_SECONDS, SESSION_LIVES_SECONDS, Target, prove, prove_session
from lockbox.guard import Guard, Options, refusals
from lockbox.guard.configuration import RequestGuardSettings, ServeSettings, read_settings
from lockbox.guard.request import Request
from lockbox.guard.routes import Routes
from lockbox.guard.serve import CHECK

ROOT = Path(__file__).parents[3]
PAGE, ERRORS = ((ROOT / "docs" / name).read_text() for name in ("guard.md", "errors.md"))
NGINX = ROOT / "examples" / "nginx"
ORIGIN = "http://127.0.0.1:8493"
HTTP_UNAUTHORIZED, HTTP_NOT_FOUND = 401, 404


def blocks(language: str) -> list[str]:
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert found, language
    return found


def python(word: str) -> str:
    """The one block of Python with this word."""
    [block] = [block for block in blocks("python") if word in block]
    return block


# --- configurations ------------------------------------------------------------------------------------------------


def test_toml_when_read_is_right_and_that_of_the_example() -> None:
    [block] = blocks("toml")
    told = tomllib.loads(block)
    assert read_settings(ServeSettings, told, Path()).origin == ORIGIN
    assert told == tomllib.loads((NGINX / "guard.toml").read_text())


def test_explained_request_when_asked_about_means_what_the_page_says() -> None:
    settings = read_settings(RequestGuardSettings, tomllib.loads(blocks("toml")[0]), Path())
    asked, said = re.findall(r"guard explain -c guard.toml (.*)\n# (.*)\n", PAGE)[0]
    method, path = asked.split()
    attempt = Routes(settings.routes).find(method, Request.of(method, path, lambda _: []).path)
    assert attempt is not None
    assert said == f"Needs a grant of {attempt.tenant} for {attempt.resource}, action {attempt.action}."


def test_nginx_when_shown_in_part_is_the_example() -> None:
    example = (NGINX / "lockbox.conf").read_text()
    for block in blocks("nginx"):
        assert block in example or "ssl_verify_client" in block, block


def test_traefik_when_it_asks_does_so_where_the_guard_answers() -> None:
    [traefik] = [yaml.safe_load(block) for block in blocks("yaml") if "forwardAuth" in block]
    assert traefik["http"]["middlewares"]["lockbox"]["forwardAuth"] == {
        "address": f"http://127.0.0.1:8491{CHECK}",
        "trustForwardHeader": False,
        "authResponseHeaders": ["Lockbox-Grant", "Lockbox-Engineer"],
    }


def test_envoy_when_it_asks_does_so_where_the_guard_answers_and_tells_every_header() -> None:
    [[envoy]] = [yaml.safe_load(block) for block in blocks("yaml") if "ext_authz" in block]
    settings = envoy["typed_config"]
    assert settings["http_service"]["path_prefix"] == CHECK
    assert settings["failure_mode_allow"] is False
    assert settings["allowed_headers"]["patterns"] == [{"safe_regex": {"regex": ".*"}}]


# --- in Python -----------------------------------------------------------------------------------------------------


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A portal, and a folder as it is after the third step."""
    monkeypatch.chdir(tmp_path)
    with portal_of(ISSUER.jwk) as portal:
        Path("token").write_text("lbk_secret")
        Path("guard.toml").write_text(at(blocks("toml")[0], portal))
        yield portal


def at(text: str, portal: StandIn) -> str:
    return text.replace("http://127.0.0.1:8480", portal.url)


def run(code: str, portal: StandIn) -> dict[str, Any]:
    """What the block defines, with a guard that is ready."""
    names: dict[str, Any] = {"__name__": "product"}
    exec(compile(at(code, portal), "docs/guard.md", "exec"), names)  # noqa: S102 - it is our own page
    guard: Guard = names["guard"] if "guard" in names else names["request_guard"].guard
    eventually(lambda: guard.ready)
    return {**names, "guard": guard}


def in_cookies() -> dict[str, str]:
    token = grant()
    proof = prove_session(HERS, ORIGIN, time.time(), str(uuid4()), token)
    return {"Cookie": f"lockbox_grant={token}; lockbox_proof={proof}"}


def test_wsgi_when_done_as_shown_lets_in_by_a_grant_alone(portal: StandIn) -> None:
    names = run(python("GuardedWsgi"), portal)
    client = Client(names["app"], use_cookies=False)
    assert client.get(ALICE).status_code == HTTP_UNAUTHORIZED
    assert client.get(ALICE, headers=cookies(grant())).status_code == 403, "a proof for another origin"
    assert client.get(ALICE, headers=in_cookies()).status_code == HTTP_NOT_FOUND, "of the application, which is empty"
    names["guard"].stop()


def test_asgi_when_done_as_shown_lets_in_by_a_grant_alone(portal: StandIn) -> None:
    names = run(python("GuardedAsgi"), portal)

    async def ask(headers: dict[str, str]) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(names["app"]), base_url=ORIGIN) as client:
            return (await client.get(ALICE, headers=headers)).status_code

    assert asyncio.run(ask({})) == HTTP_UNAUTHORIZED
    assert asyncio.run(ask(in_cookies())) == HTTP_NOT_FOUND, "of the application, which is empty"
    names["guard"].stop()


def test_enforce_when_done_as_shown_lets_in_by_a_grant_alone(portal: StandIn) -> None:
    names, token = run(python("guard.enforce"), portal), grant()
    proof = prove(HERS, Target("GET", ORIGIN + ALICE), time.time(), str(uuid4()), token)
    with pytest.raises(PermissionError, match="no_grant"):
        names["read"]("", proof)
    assert names["read"](token, proof) == b"Dear Alice"
    with pytest.raises(PermissionError, match="proof_replayed"):
        names["read"](token, proof)
    assert [record["reason"] for record in portal.records] == ["no_grant", "granted", "proof_replayed"]
    names["guard"].stop()


# --- words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "reasons"),
    [
        ("the grant", refusals.OF_THE_GRANT),
        ("the proof", refusals.OF_THE_PROOF),
        ("the attempt", refusals.OF_THE_ATTEMPT),
        ("the guard itself", refusals.OF_THE_GUARD),
        ("a request that can't be asked about", refusals.OF_THE_REQUEST),
    ],
)
def test_reasons_when_listed_are_those_that_a_guard_has(of: str, reasons: dict[str, str]) -> None:
    [row] = re.findall(rf"^\| {of} \| (`.*) \|$", ERRORS, re.MULTILINE)
    assert re.findall(r"`(\w+)`", row) == list(reasons)


def test_reasons_when_explained_are_some_that_a_guard_has() -> None:
    rows = PAGE.partition("| Reason | Look at |")[2].partition("\n\n")[0].splitlines()[2:]
    explained = [reason for row in rows for reason in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert len(explained) == len(set(explained)) > len(rows)
    assert set(explained) <= set(refusals.REASONS)


def test_numbers_when_named_are_those_of_the_code() -> None:
    usual = Options()
    assert f"`stale_after` ({usual.stale_after:g} s)" in PAGE
    assert f"`clock_bound` ({usual.clock_bound:g} s)" in PAGE
    assert f"`spool_bytes` ({usual.spool_bytes // 1024**2} MiB)" in PAGE
    assert (PROOF_LIVES_SECONDS, SESSION_LIVES_SECONDS) == (60, 300), "for a minute, for five minutes"


def anchors(file: str) -> set[str]:
    headings = re.findall(r"^#+ (.*)", (ROOT / "docs" / file).read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().replace(" ", "-").lower() for heading in headings}


def test_links_when_followed_lead_somewhere() -> None:
    for file, anchor in re.findall(r"\]\((?!https:)([\w/.-]*)(?:#([\w-]+))?\)", PAGE):
        assert (ROOT / "docs" / file).exists(), file
        assert not anchor or anchor in anchors(file or "guard.md"), anchor
    for file in re.findall(r"`((?:tests|examples)/[\w/.]+)`", PAGE):
        assert (ROOT / file).exists(), file


def test_commands_when_shown_exist_with_their_options() -> None:
    script = "\n".join(blocks("sh")).replace("\\\n", " ")
    shown = re.findall(r"^lockbox ([^#&\n]*)", script, re.MULTILINE)
    assert len(shown) > 8
    shown += re.findall(r"`lockbox ((?!\.)[^`]+)`", PAGE)
    tree: Any = typer.main.get_command(app)
    for line in shown:
        words, command = shlex.split(line), tree
        while hasattr(command, "commands"):
            command = command.commands[words.pop(0)]
        known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
        assert {word for word in words if word.startswith("-")} <= known, line
