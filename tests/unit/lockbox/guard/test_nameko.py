"""What guards a Nameko service, apart from the broker."""

from typing import Any

import pytest
from nameko.extensions import ENTRYPOINT_EXTENSIONS_ATTR
from nameko.rpc import rpc
from tests.unit.lockbox.guard.scene import ALICE, ORIGIN, cookies, grant, shown
from werkzeug.test import EnvironBuilder

from lockbox.crypto.possession import Target
from lockbox.errors import Forbidden, Invalid
from lockbox.guard import Attempt, Decision, Dpop
from lockbox.guard.nameko import Access, CallTemplate, Handover, Lockbox, context_of, guarded, target_of

METHOD = target_of("mailboxes", "read")


class Asked:
    """A guard that gives one answer, and remembers."""

    def __init__(self, reason: str) -> None:
        self.asked: list[Any] = []
        self._reason = reason

    def enforce(self, *asked: Any) -> Decision:
        self.asked.append(asked)
        attempt = Attempt(tenant="", resource="", action="")
        return Decision(allowed=self._reason == "granted", reason=self._reason, attempt=attempt)


class Mailboxes:
    """A service."""

    name = "mailboxes"
    lockbox: Any = Lockbox()

    @rpc
    @guarded("mailbox/{owner}", "read")
    def read(self, tenant: str, owner: str = "alice", *, folder: str = "inbox") -> str:
        """A mailbox."""
        return f"{tenant} {owner} {folder}"

    @guarded("files/{path...}", "write", tenant="contoso")
    @rpc
    def write(self, path: str) -> str:
        """A file."""
        return path


def opened(reason: str = "granted") -> tuple[Mailboxes, Asked]:
    guard, service = Asked(reason), Mailboxes()
    service.lockbox = Access(guard, Handover({}, METHOD, None))  # type: ignore[arg-type]
    return service, guard


@pytest.mark.parametrize(
    ("arguments", "named", "answer"),
    [
        (("fabrikam", "bob"), {}, "fabrikam bob inbox"),
        (("fabrikam",), {"owner": "bob", "folder": "sent"}, "fabrikam bob sent"),
        ((), {"owner": "bob", "tenant": "fabrikam"}, "fabrikam bob inbox"),
    ],
)
def test_method_when_its_arguments_come_in_any_order_is_guarded_by_their_names(
    arguments: Any, named: Any, answer: str
) -> None:
    service, guard = opened()
    assert service.read(*arguments, **named) == answer
    assert guard.asked == [(None, "fabrikam", "mailbox/bob", "read", None)]


def test_method_when_the_guard_refuses_is_never_called_and_nothing_is_said_to_be_decided() -> None:
    service, guard = opened("grant_revoked")
    with pytest.raises(Forbidden) as refused:
        service.read("contoso", "alice")
    assert refused.value.code == "grant_revoked"
    assert guard.asked == [(None, "contoso", "mailbox/alice", "read", None)]
    assert service.lockbox.decision is None


def test_method_when_an_argument_is_left_out_is_guarded_by_its_default() -> None:
    service, guard = opened()
    assert service.read("fabrikam") == "fabrikam alice inbox"
    assert guard.asked == [(None, "fabrikam", "mailbox/alice", "read", None)]


def test_method_when_its_tenant_is_fixed_is_guarded_by_that() -> None:
    service, guard = opened()
    assert service.write("a/b/c") == "a/b/c"
    assert guard.asked == [(None, "contoso", "files/a/b/c", "write", None)]
    assert service.lockbox.decision.allowed


@pytest.mark.parametrize("method", [Mailboxes.read, Mailboxes.write])
def test_method_when_decorated_in_either_order_is_an_entrypoint(method: Any) -> None:
    [entrypoint] = getattr(method, ENTRYPOINT_EXTENSIONS_ATTR)
    assert type(entrypoint).__name__ == "Rpc"


@pytest.mark.parametrize(
    "arguments", [("contoso", "a/b"), ("contoso", ""), ("contoso", None), ("contoso", ["a"]), ("", "a"), ("A", "a")]
)
def test_method_when_an_argument_names_no_content_is_never_called(arguments: Any) -> None:
    service, guard = opened()
    with pytest.raises(Forbidden) as refused:
        service.read(*arguments)
    assert refused.value.code == "no_route"
    assert guard.asked == []


@pytest.mark.parametrize(
    ("templates", "fault"),
    [
        (("mailbox", "read"), "resource: expected two segments"),
        (("{owner}", "read"), "resource: expected two segments"),
        (("mailbox/{Owner}", "read"), "resource: expected two segments"),
        (("mailbox/a b", "read"), "resource: expected two segments"),
        (("mailbox/{owner}", "Read it"), "actions.RPC: expected an action"),
        (("mailbox/{owner}", "read", "Contoso Ltd."), "tenant: expected the name of a tenant"),
        (("mailbox/{nobody}", "read"), "nobody: expected the name of a parameter"),
        (("mailbox/{tenant...}", "read"), "path: expected"),
    ],
)
def test_decorator_when_its_templates_can_not_be_says_why(templates: Any, fault: str) -> None:
    def read(self: Any, tenant: str, owner: str) -> None:
        """A mailbox."""

    with pytest.raises(Invalid) as refused:
        guarded(*templates)(read)
    assert refused.value.message.startswith(fault)


def test_method_when_its_service_has_no_lockbox_is_never_called() -> None:
    class Unguarded:
        @guarded("mailbox/{owner}", "read")
        def read(self, tenant: str, owner: str) -> None:
            pytest.fail("it was called")

    with pytest.raises(TypeError, match=r"no Lockbox\(\)"):
        Unguarded().read("contoso", "alice")


def test_attempt_when_two_arguments_take_part_differs_for_each_pair() -> None:
    wanted = CallTemplate.of(("a", "b"), "files/{a}/{b}", "read", "contoso")
    assert wanted.attempt({"a": "x", "b": "y"}).resource == "files/x/y"
    assert wanted.attempt({"a": "y", "b": "x"}).resource == "files/y/x"


# --- what comes along ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "origin", "shown"),
    [
        ({"proof": "p"}, ORIGIN, Dpop("p", METHOD.method, METHOD.url)),
        ({"proof": "p", "method": "GET", "address": "/a"}, ORIGIN, Dpop("p", "GET", f"{ORIGIN}/a")),
        ({"proof": "p", "method": "GET", "address": "/a"}, None, Dpop("p", METHOD.method, METHOD.url)),
        ({"proof": "p", "method": "GET"}, ORIGIN, Dpop("p", METHOD.method, METHOD.url)),
        ({"proof": "p", "method": "GET", "address": "@evil/a"}, ORIGIN, Dpop("p", METHOD.method, METHOD.url)),
        ({"proof": "p", "method": 7, "address": 7}, ORIGIN, Dpop("p", METHOD.method, METHOD.url)),
        ({"proof": 7}, ORIGIN, None),
        ({}, ORIGIN, None),
    ],
)
def test_proof_when_it_comes_along_is_for_the_request_of_the_edge_or_for_the_method(
    told: Any, origin: str | None, shown: Dpop | None
) -> None:
    assert Handover(told, METHOD, origin).shown == shown


def context(headers: dict[str, str], method: str = "GET", path: str = ALICE) -> Any:
    return context_of(EnvironBuilder(path, method=method, headers=headers).get_environ(), ORIGIN)["lockbox"]


def test_edge_when_a_grant_and_a_proof_are_shown_hands_both_on_with_the_request() -> None:
    token = grant()
    headers = shown(token)
    told = {"grant": token, "proof": headers["DPoP"], "method": "GET", "address": ALICE}
    assert context(headers, path=f"{ALICE}?a=b") == told
    assert Handover(told, METHOD, ORIGIN).shown == Dpop(headers["DPoP"], "GET", ORIGIN + ALICE)


def test_edge_when_cookies_are_shown_hands_both_on_unless_another_site_wants_a_change() -> None:
    headers = cookies(grant())
    assert context(headers).keys() == {"grant", "proof", "method", "address"}
    assert context(headers | {"Sec-Fetch-Site": "same-origin"}, "PUT")["method"] == "PUT"
    with pytest.raises(Forbidden) as refused:
        context(headers | {"Sec-Fetch-Site": "cross-site"}, "PUT")
    assert refused.value.code == "cross_site"


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, set()),
        ({"Authorization": "Basic YTpi"}, set()),
        ({"Authorization": "Bearer e30.e30.e30"}, {"grant"}),
        ({"Authorization": "DPoP e30.e30.e30"}, {"grant"}),
    ],
)
def test_edge_when_less_is_shown_hands_on_no_more(headers: dict[str, str], told: set[str]) -> None:
    assert context(headers).keys() == told


@pytest.mark.parametrize(
    ("headers", "code"),
    [({"X-HTTP-Method-Override": "PUT"}, "method_ambiguous"), ({"X-Original-URL": "/a"}, "path_ambiguous")],
)
def test_edge_when_a_header_names_another_request_hands_nothing_on(headers: dict[str, str], code: str) -> None:
    with pytest.raises(Forbidden) as refused:
        context(shown(grant()) | headers)
    assert refused.value.code == code


def test_target_when_two_methods_differ_is_another_one() -> None:
    assert target_of("mailboxes", "read") == Target("RPC", "http://mailboxes.nameko.invalid/read")
