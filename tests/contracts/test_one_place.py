"""The roles of an operation stand in one place: a change there changes RPC, REST, page, command and documentation."""

import json
from copy import copy
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import httpx
import pytest
from scripts.reference.permissions_page import permissions_page
from tests.contracts.openapi import application
from tests.unit.builders import ALICE, AUDITOR, NOW, granted, policy
from tests.unit.fakes import FakeAggregates, FakeApprovals, FakeClock, FakePolicies
from tests.unit.keys import public_keys, signing_key
from tests.unit.portal_service.fakes import FakeWeb
from typer.testing import CliRunner

from approval_service.service import ApprovalService
from lockbox import clock
from lockbox.cli import session
from lockbox.cli.main import app as command_line
from lockbox.contracts import wire
from lockbox.contracts.calls import Call
from lockbox.contracts.grant.operations import GetGrant, RevokeGrant
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.registry import OPERATIONS
from lockbox.contracts.request.operations import ListTenants
from lockbox.contracts.request.views import TenantList
from lockbox.errors import Forbidden
from lockbox.runtime.rpc.caller_token import CallScope, mint
from lockbox.runtime.rpc.server import Command, _encoded
from portal_service.domain.account import Account
from portal_service.domain.session import Session
from portal_service.edge import PortalEdge
from portal_service.passwords import token_digest
from portal_service.usecases import Known

KEY = signing_key()
PORTAL = "http://localhost"


@dataclass
class InProcess:
    """The approval service in this process: each call goes through its real entrypoint, with a real caller token."""

    approval: Any = field(
        default_factory=lambda: SimpleNamespace(
            approvals=FakeApprovals(granted()), policies=FakePolicies(contoso=policy()), clock=FakeClock(NOW)
        )
    )

    @property
    def grant_id(self) -> str:
        [one] = self.approval.approvals.states.values()
        return cast(str, one.grant.id)

    def arguments(self, caller: Caller, message: Call[Any]) -> tuple[Caller, Call[Any]]:
        [declared] = getattr(ApprovalService, message.method).nameko_entrypoints
        entrypoint: Command = copy(declared)
        entrypoint.callers = SimpleNamespace(keys=public_keys(KEY))
        scope = CallScope(message.service, message.method, "a digest", "an address")
        return entrypoint.arguments(mint(caller, scope, KEY, clock.now()), scope, wire.encode(message))

    def call(self, caller: Caller, message: Call[Any], service: str | None = None) -> Any:
        if isinstance(message, ListTenants):
            return TenantList(items=())
        answer = getattr(ApprovalService, message.method)(self.approval, *self.arguments(caller, message))
        return wire.decode(message.answer, json.loads(_encoded(answer, message.answer)), tolerant=True)


@dataclass
class World:
    """The portal with the approval service behind it, and a person who is signed in."""

    person: Caller
    services: InProcess = field(default_factory=InProcess)

    def wsgi(self, environ: dict[str, Any], start_response: Any) -> Any:
        account = Account(
            email=self.person.email,
            organisation=self.person.organisation,
            roles=tuple(sorted(self.person.roles)),
            password_hash=None,
        )
        signed_in = Session.begin(account, NOW).state
        known = Known(
            accounts=FakeAggregates(**{account.email: account}),
            sessions=cast(Any, FakeAggregates(**{token_digest("of-a-test"): signed_in})),
            api_tokens=FakeAggregates(),
            failed_attempts=cast(Any, FakeAggregates()),
        )
        none = cast(Any, None)
        edge = PortalEdge(known, cast(Any, self.services), none, FakeClock(NOW), none, none, FakeWeb())
        return application()({**environ, "lockbox.edge": edge}, start_response)

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        options.pop("timeout", None)
        with httpx.Client(transport=httpx.WSGITransport(app=self.wsgi), base_url=PORTAL) as client:
            return client.request(method, url, **options)


class Seen(NamedTuple):
    """The ways on which a person can revoke a grant."""

    rpc: bool
    rest: bool
    you_may: bool
    page: bool
    command: bool


def seen_by(person: Caller, monkeypatch: pytest.MonkeyPatch) -> Seen:
    bearer = {"Authorization": "Bearer of-a-test"}
    world = World(person)
    grant_id = world.services.grant_id
    cookie = {"Cookie": f"{application().config['SIGN_IN_COOKIE_NAME']}=of-a-test"}
    page = world.request("GET", "/grants", headers=cookie)
    assert page.status_code == 200
    reading = world.services.call(person, GetGrant(grant_id=grant_id))
    monkeypatch.setattr(session.httpx, "request", World(person).request)
    return Seen(
        rpc=admitted(world, grant_id),
        rest=World(person).request("POST", f"/api/v1/grants/{grant_id}/revoke", headers=bearer).status_code == 200,
        you_may=reading.you.may["revoke_grant"].allowed,
        page=f"/grants/{grant_id}/revoke" in page.text,
        command=CliRunner().invoke(command_line, ["revoke", grant_id]).exit_code == 0,
    )


def admitted(world: World, grant_id: str) -> bool:
    try:
        world.services.arguments(world.person, RevokeGrant(grant_id=grant_id, idempotency_key="k-1"))
    except Forbidden as refused:
        return refused.code != "role_required"
    return True


@pytest.fixture(autouse=True)
def signed_in(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCKBOX_SESSION", str(tmp_path / "session.json"))
    session.save_session(session.StoredSession(PORTAL, "of-a-test"))


def row(page: str) -> str:
    return next(line for line in page.splitlines() if line.startswith("| `revoke_grant` |"))


def test_roles_when_changed_in_the_declaration_change_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    may, may_not = Seen(*[True] * 5), Seen(*[False] * 5)
    assert (seen_by(ALICE, monkeypatch), seen_by(AUDITOR, monkeypatch)) == (may, may_not)
    assert "`customer_approver`" in row(permissions_page(OPERATIONS))
    monkeypatch.setattr(RevokeGrant, "roles", (Role.CUSTOMER_AUDITOR,))
    assert (seen_by(ALICE, monkeypatch), seen_by(AUDITOR, monkeypatch)) == (may_not, may)
    assert "| `customer_auditor` |" in row(permissions_page(OPERATIONS))
