"""Lists on the command line: they say that there is more, and `--all` reads every page."""

import json

import httpx
import pytest
from tests.unit.builders import approval, granted
from tests.unit.lockbox.cli.commands import works
from tests.unit.lockbox.cli.documents import as_asked, listed
from tests.unit.lockbox.fake_portal import FakePortal

from lockbox.contracts import wire

RECORD = {"time": "t", "source": "s", "type": "x", "subject": "s", "actor": "a", "digest": "d"}
LISTS = {
    "list": (("list",), "GET /api/v1/requests", as_asked(approval())),
    "grants": (("grants",), "GET /api/v1/grants", wire.encode(granted().granted())),
    "audit": (("audit", "contoso"), "GET /api/v1/tenants/contoso/audit", RECORD),
}

pytestmark = [
    pytest.mark.usefixtures("signed_in"),
    pytest.mark.parametrize(("command", "route", "item"), LISTS.values(), ids=LISTS),
]


def test_list_when_there_is_more_says_so(
    portal: FakePortal, command: tuple[str, ...], route: str, item: dict[str, object]
) -> None:
    portal.says(route, listed(item, item, next_cursor="c-1"))
    assert works(*command).splitlines()[-1] == "There are more; see `--all`. Shown: 2."
    assert len(portal.requests) == 1
    assert json.loads(works(*command, "--json"))["next_cursor"] == "c-1"


def test_list_when_it_is_empty_says_so(
    portal: FakePortal, command: tuple[str, ...], route: str, item: dict[str, object]
) -> None:
    portal.says(route, listed())
    assert works(*command).splitlines()[-1] == "Nothing was found."


def test_list_when_it_is_whole_says_nothing_of_more(
    portal: FakePortal, command: tuple[str, ...], route: str, item: dict[str, object]
) -> None:
    portal.says(route, listed(item))
    assert "more" not in works(*command)


def test_list_when_all_is_wanted_reads_every_page(
    portal: FakePortal, command: tuple[str, ...], route: str, item: dict[str, object]
) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        following = {None: "c-1", "c-1": "c-2", "c-2": None}[request.url.params.get("cursor")]
        return httpx.Response(200, json=listed(item, next_cursor=following))

    portal.on(route, page)
    shown = json.loads(works(*command, "--all", "--json", "--limit", "1"))
    assert (len(shown["items"]), shown["next_cursor"]) == (3, None)
    assert [request.url.params["limit"] for request in portal.requests] == ["1"] * 3


def test_list_when_nothing_is_said_is_newest_first(
    portal: FakePortal, command: tuple[str, ...], route: str, item: dict[str, object]
) -> None:
    portal.says(route, listed(item))
    works(*command)
    assert portal.requests[0].url.params.get("newest_first", "true") == "true"
