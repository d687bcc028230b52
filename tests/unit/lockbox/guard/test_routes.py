"""Routes say whose content a request is for; what they don't say is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockbox.errors import Forbidden, Invalid
from lockbox.guard import paths
from lockbox.guard.decision import Attempt
from lockbox.guard.request import Request
from lockbox.guard.routes import Route, Routes
from lockbox.values.resources import is_item

READ = {"GET": "read", "PUT": "write"}
TABLE = Routes(
    [
        Route("/documents/public/{page...}", open=True),
        Route("/documents/{tenant}/{resource...}", READ),
        Route("/disk/{path...}", {"GET": "read"}, tenant="contoso", resource="files/{path...}"),
        Route("/v2/{_version}/{customer}/mail/{name}", READ, tenant="{customer}", resource="mailbox/{name}"),
        Route("/whole/{resource...}/", {"GET": "list"}, tenant="fabrikam"),
        Route("/report", {"POST": "run"}, tenant="contoso", resource="reports/all"),
        Route("/", open=True),
    ]
)


def attempt(tenant: str, resource: str, action: str = "read") -> Attempt:
    return Attempt(tenant=tenant, resource=resource, action=action)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/documents/contoso/mailbox/alice", attempt("contoso", "mailbox/alice")),
        ("PUT", "/documents/contoso/mailbox/alice", attempt("contoso", "mailbox/alice", "write")),
        ("GET", "/documents/contoso/mailbox", attempt("contoso", "mailbox")),
        ("GET", "/documents/public/terms", None),
        ("DELETE", "/documents/public/terms", None),
        ("GET", "/disk/a/b", attempt("contoso", "files/a/b")),
        ("GET", "/v2/2026/contoso/mail/bob", attempt("contoso", "mailbox/bob")),
        ("GET", "/whole/mailbox/alice/", attempt("fabrikam", "mailbox/alice", "list")),
        ("POST", "/report", attempt("contoso", "reports/all", "run")),
        ("GET", "/", None),
    ],
)
def test_find_when_a_route_names_the_path_says_what_is_tried(method: str, path: str, expected: Attempt | None) -> None:
    assert TABLE.find(method, path) == expected


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/elsewhere"),
        ("GET", "/documents"),
        ("GET", "/documents/contoso"),
        ("GET", "/documents/contoso/"),
        ("GET", "/documents/contoso/mailbox/"),
        ("GET", "/DOCUMENTS/contoso/mailbox/alice"),
        ("GET", "/report"),
        ("post", "/report"),
        ("HEAD", "/documents/contoso/mailbox/alice"),
        ("OPTIONS", "/documents/contoso/mailbox/alice"),
        ("TRACE", "/documents/contoso/mailbox/alice"),
        ("", "/documents/contoso/mailbox/alice"),
        ("GET", "/documents/Contoso/mailbox/alice"),
        ("GET", "/documents/con_toso/mailbox/alice"),
        ("GET", "/v2/2026/contoso/mail/bob/more"),
        ("WEBSOCKET", "/documents/contoso/mailbox/alice"),
    ],
)
def test_find_when_no_route_says_what_it_means_refuses(method: str, path: str) -> None:
    with pytest.raises(Forbidden) as refused:
        TABLE.find(method, path)
    assert refused.value.code == "no_route"


def test_find_when_the_first_route_of_a_path_does_not_name_the_method_asks_no_other() -> None:
    table = Routes([Route("/a/{tenant}/{resource...}", READ), Route("/{everything...}", open=True)])
    with pytest.raises(Forbidden) as refused:
        table.find("DELETE", "/a/contoso/mailbox/alice")
    assert refused.value.code == "no_route"
    assert table.find("DELETE", "/b") is None


SEGMENTS = st.text(st.sampled_from("ab.~%2Fe@+é;/ "), max_size=6)


@given(st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join))
def test_find_when_given_any_path_names_what_the_product_sees(rest: str) -> None:
    try:
        request = Request.of("GET", f"/documents/contoso/{rest}", lambda _: [])
        tried = TABLE.find(request.act, request.path)
    except Forbidden as refused:
        if refused.code not in ("path_ambiguous", "no_route"):
            raise
        return
    assert tried is not None
    assert request.path == f"/documents/contoso/{tried.resource}"
    assert paths.decode(request.address) == request.path
    if is_item(tried.resource):
        assert "%" not in tried.resource


@pytest.mark.parametrize(
    ("route", "field"),
    [
        (Route("", READ), "path"),
        (Route("documents/{tenant}/{resource...}", READ), "path"),
        (Route("/documents//{tenant}/{resource...}", READ), "path"),
        (Route("/documents/../{tenant}/{resource...}", READ), "path"),
        (Route("/documents/%41/{tenant}/{resource...}", READ), "path"),
        (Route("/{tenant}/{Resource...}", READ), "path"),
        (Route("/{tenant}/x{resource...}", READ), "path"),
        (Route("/{tenant}/{resource}/{resource...}", READ), "path"),
        (Route("/{tenant...}/{resource...}", READ), "path"),
        (Route("/{tenant}/{folder}/{name}", READ, resource="files/{name}"), "path"),
        (Route("/{tenant}/{resource...}"), "actions"),
        (Route("/{tenant}/{resource...}", {"get": "read"}), "actions"),
        (Route("/{tenant}/{resource...}", {"GET": "Read"}), "actions.GET"),
        (Route("/x/{resource...}", READ), "tenant"),
        (Route("/x/{resource...}", READ, tenant="Contoso"), "tenant"),
        (Route("/x/{resource...}", READ, tenant="{other}"), "tenant"),
        (Route("/{tenant...}/x", READ, resource="a/b"), "tenant"),
        (Route("/{tenant}/x", READ), "resource"),
        (Route("/{tenant}/{resource}", READ), "resource"),
        (Route("/{tenant}/x", READ, resource="alone"), "resource"),
        (Route("/{tenant}/x", READ, resource="files/../x"), "resource"),
        (Route("/{tenant}/x", READ, resource="files/*"), "resource"),
        (Route("/{tenant}/{name}", READ, resource="{name}/{name}"), "resource"),
        (Route("/{tenant}/{name}", READ, resource="files/{other}"), "resource"),
        (Route("/{tenant}/{name...}", READ, resource="files/{name}"), "resource"),
        (Route("/x", READ, open=True), "open"),
        (Route("/x", tenant="contoso", open=True), "open"),
    ],
)
def test_routes_when_one_can_not_be_name_its_fault(route: Route, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        Routes([Route("/", open=True), route])
    assert f"routes.1.{field}" in [fault["field"] for fault in refused.value.faults]


def test_routes_when_several_are_wrong_name_each_fault() -> None:
    with pytest.raises(Invalid) as refused:
        Routes([Route("x"), Route("/{tenant}/x", {"get": "Read"})])
    assert [fault["field"] for fault in refused.value.faults] == [
        "routes.0.path",
        "routes.1.actions",
        "routes.1.actions.get",
        "routes.1.resource",
    ]
    assert refused.value.message.startswith("routes.0.path: expected a path such as /documents/{tenant}/{resource...}")
