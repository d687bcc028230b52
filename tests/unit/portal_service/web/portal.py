"""The portal's pages in one process: real templates and use cases of the portal and of approval_service, in memory."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, cast

from flask import Flask
from tests.unit.builders import ADMIN, ALICE, ANN, NOW, VENDOR_APPROVER, caller, policy
from tests.unit.fakes import FakeAggregates, FakeApprovals, FakeDirectory, FakePolicies
from tests.unit.portal_service.fakes import FakeFailedAttempts, FakeWeb
from werkzeug.test import TestResponse

from approval_service.domain.approval.approval import Approval
from approval_service.domain.approval.present import Present
from approval_service.domain.people import Person
from approval_service.domain.policy.policy import Policy
from approval_service.usecases import approval as approvals
from approval_service.usecases import grant as grants
from approval_service.usecases import policy as policies
from lockbox.contracts.approval.operations import (
    AcknowledgeBreakGlass,
    CancelRequest,
    Decide,
    GetApproval,
    ListBreakGlass,
    ListQueue,
    RequestExtension,
    RequestInfo,
    UseBreakGlass,
)
from lockbox.contracts.approval.views import ApprovalPage
from lockbox.contracts.grant.operations import CompleteGrant, GetGrant, ListGrants, RevokeGrant
from lockbox.contracts.grant.views import GrantPage
from lockbox.contracts.identity import Caller, Role
from lockbox.contracts.policy.document import DEFAULT_SETTINGS
from lockbox.contracts.policy.operations import DecidePolicyChange, DiffPolicy, EvaluatePolicy, GetPolicy, PutPolicy
from lockbox.contracts.policy.views import PolicyView
from lockbox.contracts.request.operations import GetRequest, ListRequests, ListTenants
from lockbox.contracts.request.views import RequestPage, RequestView, TenantList, TenantView
from lockbox.errors import LockboxError
from portal_service import usecases
from portal_service.app import create_app
from portal_service.domain.account import Account
from portal_service.domain.session import Session
from portal_service.edge import PortalEdge
from portal_service.passwords import token_digest
from portal_service.usecases import Known, RequestDetails

COOKIE = "lockbox_session"
TOKEN = "lbs_of_this_test"
PORTAL_URL = "http://portal.example"
CONTOSO = TenantView(
    tenant="contoso",
    maximum_duration=timedelta(hours=8),
    request_lifetime=timedelta(hours=12),
    default_duration=timedelta(hours=4),
)
ADMIN_2 = caller("noah@contoso.example", "contoso", Role.CUSTOMER_ADMIN)
PEOPLE = [
    Person(one.email, one.organisation, frozenset(one.roles)) for one in (VENDOR_APPROVER, ALICE, ANN, ADMIN, ADMIN_2)
]
POLICY = PolicyView(
    **DEFAULT_SETTINGS.settings(), tenant="contoso", version=3, changed_at=NOW, changed_by="carol@contoso.example"
)


def request_view(one: Approval) -> RequestView:
    """The request as request_service shows it, as long as nothing of it was taken away."""
    state, until = one.state, one.expires_at
    about = {"id": one.request_id, "requester": one.requester, "state": state, "created_at": one.created_at}
    return RequestView(**one.deliberation.terms.within(**about, expires_at=until))


def details(one: Approval, person: Caller, now: datetime = NOW, in_force: Policy | None = None) -> RequestDetails:
    """A request as the portal reads it for this person."""
    services = Services(one, now=now)
    services.policies = FakePolicies(contoso=in_force or policy())
    return usecases.read_request(services, person, one.request_id, lambda: False)


class Services:
    """The other services: those of one approval, with other answers for the messages that a test names."""

    def __init__(self, *known: Approval, now: datetime = NOW, answers: Mapping[type, Any] | None = None) -> None:
        self.approvals = FakeApprovals(*known)
        self.policies = FakePolicies(contoso=policy())
        self.directory = FakeDirectory(*PEOPLE)
        self.requests = {one.request_id: request_view(one) for one in known}
        self.answers = dict(answers or {})
        self.now = now
        self.sent: list[Any] = []

    def call(self, caller: Caller, message: Any, service: str | None = None) -> Any:
        self.sent.append(message)
        type(message).require_role(caller)
        answer = self.answers.get(type(message), HANDLERS.get(type(message)))
        assert answer is not None, f"no answer for {message}"
        if isinstance(answer, LockboxError):
            raise answer
        return answer(self, caller, message) if callable(answer) else answer

    def call_each(self, caller: Caller, message: Any, services: Iterable[str]) -> Any:
        raise AssertionError("no page asks every service")

    def commands(self, kind: type) -> list[Any]:
        return [message for message in self.sent if isinstance(message, kind)]

    def request(self, caller: Caller, message: GetRequest) -> RequestView:
        found = self.requests[message.request_id]
        caller.require_sight("request", found.tenant, found.requester)
        return found

    @property
    def present(self) -> Present:
        return Present(self.now, policies.in_force(self.policies))

    def perform(self, caller: Caller, message: Any) -> Any:
        return approvals.perform(self.approvals, caller, message, self.present)

    def live(self, caller: Caller, message: ListGrants) -> GrantPage:
        page = grants.list_grants(self.approvals, caller, message, self.now)
        return GrantPage(items=tuple(one for one in page.items if message.state in (None, one.state)), next_cursor=None)

    def opened(self, caller: Caller, message: ListBreakGlass) -> ApprovalPage:
        page = approvals.list_break_glass(self.approvals, caller, message, self.now)
        known = [one for one in page.items if one.break_glass and one.break_glass.opened_at]
        fitting = [one for one in known if bool(one.break_glass.acknowledged_at) is message.acknowledged]  # type: ignore[union-attr]
        return ApprovalPage(items=tuple(fitting), next_cursor=None)


Handler = Callable[[Services, Caller, Any], Any]
HANDLERS: Mapping[type, Handler] = {
    GetRequest: Services.request,
    ListRequests: lambda it, _by, _message: RequestPage(items=tuple(it.requests.values()), next_cursor=None),
    ListTenants: lambda _it, _by, _message: TenantList(items=(CONTOSO,)),
    GetApproval: lambda it, by, message: approvals.get_approval(it.approvals, by, message, it.present),
    ListQueue: lambda it, by, message: approvals.list_queue(it.approvals, by, message, it.now),
    ListBreakGlass: Services.opened,
    Decide: Services.perform,
    RequestInfo: Services.perform,
    CancelRequest: Services.perform,
    UseBreakGlass: Services.perform,
    AcknowledgeBreakGlass: Services.perform,
    ListGrants: Services.live,
    GetGrant: lambda it, by, message: grants.get_grant(it.approvals, by, message, it.now),
    RevokeGrant: lambda it, by, message: grants.end_grant(it.approvals, by, message, it.present),
    CompleteGrant: lambda it, by, message: grants.end_grant(it.approvals, by, message, it.present),
    RequestExtension: lambda it, by, message: grants.request_extension(it.approvals, by, message, it.present),
    GetPolicy: lambda it, by, message: policies.get_policy(it.policies, by, message),
    PutPolicy: lambda it, by, message: policies.put_policy(it.policies, it.directory, by, message, it.now),
    DiffPolicy: lambda it, by, message: policies.diff_policy(it.policies, it.directory, by, message),
    DecidePolicyChange: lambda it, by, message: policies.decide_policy_change(
        it.policies, it.directory, by, message, it.now
    ),
    EvaluatePolicy: lambda it, by, message: policies.evaluate_policy(
        it.policies, it.directory, by, message, policies.Turn(it.now)
    ),
}


class Page(HTMLParser):
    """What a person and a program find on a page: text, links, buttons, and the values that its forms would send."""

    def __init__(self, answer: TestResponse) -> None:
        super().__init__()
        self.status = answer.status_code
        self.html = answer.text
        self.links: dict[str, str] = {}
        self.buttons: list[str] = []
        self.values: dict[str, str] = {}
        self.pieces: list[str] = []
        self._open: tuple[str, str, int] | None = None
        self.feed(answer.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in {"a", "button"}:
            self._open = (tag, given.get("href", ""), len(self.pieces))
        elif tag in {"textarea", "select"}:
            self._open = (tag, given.get("name", ""), len(self.pieces))
        elif tag == "input" and "name" in given and ("checked" in given or given.get("type") != "checkbox"):
            self.values[given["name"]] = given.get("value", "on")
        elif tag == "option" and self._open and ("selected" in given or self._open[1] not in self.values):
            self.values[self._open[1]] = given["value"]

    def handle_endtag(self, tag: str) -> None:
        if self._open is None or tag != self._open[0]:
            return
        _, reference, start = self._open
        self._open = None
        name = _spaced(self.pieces[start:])
        if tag == "a":
            self.links[name] = reference
        elif tag == "button":
            self.buttons.append(name)
        elif tag == "textarea":
            self.values[reference] = "".join(self.pieces[start:]).removeprefix("\n")

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @property
    def text(self) -> str:
        return _spaced(self.pieces)


def _spaced(pieces: Iterable[str]) -> str:
    return re.sub(r"\s+", " ", unescape("".join(pieces))).strip()


@dataclass
class FixedClock:
    """A clock that stands still."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass
class Portal:
    """A browser in which one person is signed in, or nobody."""

    app: Flask
    services: Services
    person: Caller | None
    clock: FixedClock = field(default_factory=FixedClock)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()
        if self.person is not None:
            self.client.set_cookie(COOKIE, TOKEN, domain="portal.example")

    def get(self, path: str, status: int = 200) -> Page:
        answer = self.client.get(path, base_url=PORTAL_URL, environ_overrides=self._environ())
        assert answer.status_code == status, answer.text
        return Page(answer)

    def post(self, path: str, form: Mapping[str, Any], status: int = 303) -> Page:
        answer = self.client.post(path, base_url=PORTAL_URL, data=form, environ_overrides=self._environ())
        assert answer.status_code == status, answer.text
        return Page(answer) if status != 303 else self.get(answer.headers["Location"])

    def answer(self, path: str, method: str = "GET", **options: Any) -> TestResponse:
        return self.client.open(path, method=method, base_url=PORTAL_URL, environ_overrides=self._environ(), **options)

    def send(self, path: str, status: int = 303, **typed: Any) -> Page:
        """Open a page and send its form, with this typed into it."""
        return self.post(path, self.get(path).values | typed, status)

    def _environ(self) -> dict[str, Any]:
        nothing = cast(Any, None)
        return {
            "lockbox.edge": PortalEdge(
                _known(self.person), self.services, nothing, self.clock, nothing, nothing, FakeWeb()
            )
        }


def _known(person: Caller | None) -> Known:
    accounts: FakeAggregates[Account] = FakeAggregates()
    sessions: FakeAggregates[Session] = FakeAggregates()
    if person is not None:
        roles = tuple(sorted(person.roles))
        account = Account(email=person.email, organisation=person.organisation, roles=roles, password_hash=None)
        accounts.states[person.email] = account
        sessions.states[token_digest(TOKEN)] = Session.begin(account, NOW).state
    return Known(accounts, cast(Any, sessions), FakeAggregates(), FakeFailedAttempts())


def application(folder: Path) -> Flask:
    """The web application, with a secret of its own."""
    key = folder / "web.key"
    key.write_text("a secret of tests alone")
    return create_app({"lockbox": {"portal_url": PORTAL_URL, "web_key": str(key)}})
