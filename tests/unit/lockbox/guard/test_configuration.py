"""A guard's configuration: read whole, or refused with everything that is wrong with it."""

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.lockbox.guard.scene import ALICE, ORIGIN, Scene, cookies, grant
from tests.waiting import eventually

from lockbox.errors import Forbidden, Invalid
from lockbox.guard import Options, configuration
from lockbox.guard.configuration import (
    GuardSettings,
    RequestGuardSettings,
    ServeSettings,
    read_file,
    read_settings,
    request_guard_of,
    require_origin,
)
from lockbox.guard.request import Request
from lockbox.guard.routes import Route

HERE = Path("/etc/lockbox")
GUARD = {"portal": "https://lockbox.vendor.example", "token_file": "token"}
DOCUMENTS: dict[str, Any] = {"path": "/documents/{tenant}/{resource...}", "actions": {"GET": "read"}}
DOOR: dict[str, Any] = {**GUARD, "origin": "https://files.vendor.example", "routes": [DOCUMENTS]}


def faults(kind: type[GuardSettings], told: object) -> list[str]:
    """The lines of what is said to be wrong."""
    with pytest.raises(Invalid) as refusal:
        read_settings(kind, told, HERE)
    lines = refusal.value.message.splitlines()
    assert len(lines) == len(refusal.value.faults)
    return lines


def test_read_settings_when_all_is_given_reads_it_with_paths_that_begin_at_the_folder() -> None:
    told = {
        **DOOR,
        "stale_after": 3,
        "skew": 0.5,
        "clock_bound": 30,
        "binding": "optional",
        "spool": "spool",
        "spool_bytes": 1000,
        "spool_sync": True,
        "allow_http": True,
        "certificate_header": "X-Client-Cert",
        "frontend": "nginx",
    }
    assert read_settings(ServeSettings, told, HERE) == ServeSettings(
        portal="https://lockbox.vendor.example",
        token_file="/etc/lockbox/token",
        stale_after=3.0,
        skew=0.5,
        clock_bound=30.0,
        binding="optional",
        spool="/etc/lockbox/spool",
        spool_bytes=1000,
        spool_sync=True,
        allow_http=True,
        origin="https://files.vendor.example",
        certificate_header="X-Client-Cert",
        frontend="nginx",
        routes=[Route("/documents/{tenant}/{resource...}", {"GET": "read"})],
    )


def test_guard_when_its_settings_name_a_portal_in_the_clear_is_refused_by_that_name(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("lbk_secret")
    told = {"portal": "http://lockbox.vendor.example", "token_file": "token"}
    with pytest.raises(Invalid) as refused:
        read_settings(GuardSettings, told, tmp_path).guard()
    assert refused.value.code == "invalid_portal"
    assert read_settings(GuardSettings, told | {"allow_http": True}, tmp_path).guard()


def test_read_settings_when_paths_are_absolute_leaves_them() -> None:
    settings = read_settings(GuardSettings, {**GUARD, "token_file": "/run/token", "spool": "/var/spool"}, HERE)
    assert (settings.token_file, settings.spool) == ("/run/token", "/var/spool")


def test_read_settings_when_the_frontend_is_missing_wants_it_only_where_a_proxy_asks() -> None:
    assert read_settings(RequestGuardSettings, DOOR, HERE).frontend is None
    assert faults(ServeSettings, DOOR) == ["frontend: expected one of nginx, traefik, envoy"]


def test_read_settings_when_nothing_is_told_names_every_missing_key() -> None:
    assert faults(ServeSettings, {}) == [
        "portal: expected a value",
        "token_file: expected a value",
        "origin: expected a value",
        "frontend: expected one of nginx, traefik, envoy",
        "routes: expected a value",
    ]


@pytest.mark.parametrize("told", [None, [], "portal", 3])
def test_read_settings_when_it_is_no_table_says_so(told: object) -> None:
    [line] = faults(RequestGuardSettings, told)
    assert line.startswith("body: expected an object")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("portal", "lockbox.vendor.example", "scheme, host and port in lower case"),
        ("origin", "https://files.vendor.example/", "scheme, host and port in lower case"),
        ("token_file", 3, "a string"),
        ("stale_after", "soon", "seconds, such as 5 or 0.5, got 'soon'"),
        ("stale_after", 1, "2 to 3600 seconds, as news come each second, got '1'"),
        ("skew", -1, "0 to 3600 seconds, got '-1'"),
        ("skew", float("nan"), "seconds, such as 5 or 0.5, got 'nan'"),
        ("clock_bound", 3601, "0 to 3600 seconds, got '3601'"),
        ("binding", "never", "one of required, optional, got 'never'"),
        ("spool", 7, "a string"),
        ("spool_bytes", 0, "one byte at least, got '0'"),
        ("spool_bytes", 2.5, "a whole number, got '2.5'"),
        ("spool_sync", "yes", "true or false, got 'yes'"),
        ("certificate_header", "X Client", "the name of a header, such as X-Client-Cert, got 'X Client'"),
        ("frontend", "caddy", "one of nginx, traefik, envoy, got 'caddy'"),
        ("routes", [], "one route at least"),
        ("routes", {"path": "/"}, "a list"),
        ("tenant", "contoso", "no field of this name"),
    ],
)
def test_read_settings_when_a_value_is_wrong_names_it_alone(key: str, value: object, expected: str) -> None:
    [line] = faults(ServeSettings, {**DOOR, "frontend": "nginx", key: value})
    assert line.startswith(f"{key}: expected {expected}"), line


def test_read_settings_when_much_is_wrong_names_all_of_it_routes_included() -> None:
    routes = [
        {"path": "documents/{tenant}", "actions": {"GET": "read"}},
        {"path": "/x/{tenant}/{a}/{b}", "resource": "files/{b}", "actions": {"get": "read", "PUT": "W R"}},
        {"path": "/healthz", "open": "true"},
        {"path": "/logo", "open": True, "actions": {"GET": "read"}},
        {"path": "/report", "actions": {"POST": 3}, "typo": 1},
    ]
    assert sorted(faults(RequestGuardSettings, {"portal": "x", "origin": "y", "routes": routes})) == [
        "origin: expected scheme, host and port in lower case, such as https://files.vendor.example, "
        "without the usual port, got 'y'",
        "portal: expected scheme, host and port in lower case, such as https://files.vendor.example, "
        "without the usual port, got 'x'",
        "routes.0.path: expected a path such as /documents/{tenant}/{resource...}: plain letters and variables, "
        "no two of a name, one with ..., got 'documents/{tenant}'",
        "routes.1.actions.PUT: expected an action such as read, got 'W R'",
        "routes.1.actions: expected methods in capitals, such as GET, got 'get'",
        "routes.1.path: expected each variable in the tenant or the resource, but for those that begin with _, "
        "got '{a}'",
        "routes.2.open: expected true or false, got 'true'",
        "routes.3.open: expected neither actions nor tenant nor resource where all is open, got 'true'",
        "routes.4.actions.POST: expected a string",
        "routes.4.typo: expected no field of this name",
        "token_file: expected a value",
    ]


@pytest.mark.parametrize(
    "text",
    ["https://a.example", "http://127.0.0.1:8480", "https://[::1]:8443", "http://localhost:443", "https://a:80"],
)
def test_origin_when_browsers_would_say_it_so_is_one(text: str) -> None:
    require_origin(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://a.example/",
        "https://A.example",
        "HTTPS://a.example",
        "https://a.example:443",
        "http://a.example:80",
        "https://a.example:0443",
        "https://a.example:70000",
        "https://user@a.example",
        "https://a.example?x",
        "https://a.example\n",
        "https://",
        "ftp://a.example",
        "a.example",
        "",
    ],
)
def test_origin_when_a_proof_could_never_be_for_it_is_none(text: str) -> None:
    with pytest.raises(Exception, match="scheme, host and port in lower case"):
        require_origin(text)


def test_read_file_when_it_is_the_documented_example_reads_it(tmp_path: Path) -> None:
    example = str(configuration.__doc__).partition("it is TOML:\n")[2]
    (tmp_path / "guard.toml").write_text(example)
    settings = read_file(tmp_path / "guard.toml", RequestGuardSettings)
    assert settings.token_file == "/run/secrets/lockbox-token"
    assert [route.open for route in settings.routes] == [False, True]


@pytest.mark.parametrize("text", ["portal = ", "\udcff", None])
def test_read_file_when_it_is_no_toml_says_so(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "guard.toml"
    if text is not None:
        path.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(Invalid, match="can't be read as TOML"):
        read_file(path, RequestGuardSettings)


def test_guard_when_what_is_optional_is_told_works_by_it(scene: Scene, tmp_path: Path) -> None:
    told = {"portal": scene.portal.url, "token_file": "token", "binding": "optional", "spool": "spool"}
    guard = read_settings(GuardSettings, told, tmp_path).guard()
    guard.start()
    eventually(lambda: guard.ready)
    assert guard.enforce(grant(cnf=None), "contoso", "mailbox/alice", "read").allowed
    guard.stop()
    assert scene.records_of(resource="mailbox/alice") == [(True, "granted", "read")]
    assert (tmp_path / "spool").is_dir(), "the record went by the spool"


def test_guard_when_little_that_is_optional_is_told_has_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("lbk_secret")
    told = [GUARD, {**GUARD, "stale_after": 9}]
    guards = [read_settings(GuardSettings, one, tmp_path).guard() for one in told]
    assert [guard._options for guard in guards] == [Options(), Options(stale_after=9.0)]


def test_guard_when_it_can_not_read_its_token_or_write_its_spool_says_so(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="token"):
        read_settings(GuardSettings, GUARD, tmp_path).guard()
    (tmp_path / "token").write_text("lbk_secret")
    with pytest.raises(Invalid, match="spool"):
        read_settings(GuardSettings, {**GUARD, "spool": "token/spool"}, tmp_path).guard()


def test_request_guard_when_told_by_a_file_lets_in_by_its_routes_and_origin(scene: Scene, tmp_path: Path) -> None:
    text = f'portal = "{scene.portal.url}"\ntoken_file = "token"\norigin = "{ORIGIN}"\n'
    route = '[[routes]]\npath = "/documents/{tenant}/{resource...}"\nactions = {GET = "read"}\n'
    (tmp_path / "guard.toml").write_text(text + route)
    request_guard = request_guard_of(tmp_path / "guard.toml")
    request_guard.guard.start()
    eventually(lambda: request_guard.guard.ready)
    headers = cookies(grant())
    asked = Request.of("GET", ALICE, lambda name: [value for key, value in headers.items() if key.lower() == name])
    decision = request_guard.authorize(asked)
    assert decision is not None
    assert decision.allowed
    with pytest.raises(Forbidden) as refusal:
        request_guard.authorize(replace(asked, method="PUT"))
    assert refusal.value.code == "no_route"
    request_guard.guard.stop()


def test_toml_when_read_gives_what_the_settings_take() -> None:
    told = tomllib.loads('stale_after = 5\nskew = 0.5\nspool_bytes = 1_000\n[[routes]]\npath = "/"\nopen = true\n')
    settings = read_settings(RequestGuardSettings, {**DOOR, **told}, HERE)
    assert (settings.stale_after, settings.skew, settings.spool_bytes) == (5.0, 0.5, 1000)
