"""Use cases of portal_service: accounts, sessions, and answers that two services give together."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Protocol, TypeVar

from lockbox.contracts import wire
from lockbox.contracts.acts import Act
from lockbox.contracts.approval.operations import (
    AcknowledgeBreakGlass,
    CancelRequest,
    Decide,
    GetApproval,
    RequestInfo,
    UseBreakGlass,
)
from lockbox.contracts.approval.terms import Note
from lockbox.contracts.approval.views import (
    ApprovalReading,
    ApprovalView,
    BreakGlassView,
    DecisionView,
    ExtensionView,
    Judgement,
    OpenDecision,
    Stage,
)
from lockbox.contracts.calls import Call
from lockbox.contracts.events import Cause, Changed
from lockbox.contracts.fields import Email, Flag
from lockbox.contracts.grant.views import GrantView
from lockbox.contracts.identity import Caller
from lockbox.contracts.request.operations import GetRequest
from lockbox.contracts.request.terms import AccessTerms
from lockbox.contracts.request.views import RequestView
from lockbox.errors import LockboxError, NotFound, Unavailable
from portal_service.domain.account import Account
from portal_service.domain.seed import Seed, SeedMember
from portal_service.domain.session import (
    ApiToken,
    FailedAttempt,
    Session,
    Unauthenticated,
)
from portal_service.domain.sign_in import Allowance
from portal_service.passwords import (
    hash_password,
    token_digest,
)

SERVICE = "portal_service"
OnRequest = Decide | RequestInfo | CancelRequest | UseBreakGlass | AcknowledgeBreakGlass

R = TypeVar("R")
Patience = Callable[[], bool]


class Accounts(Protocol):
    """The store of accounts."""

    def find(self, key: str) -> Account | None: ...  # noqa: D102
    def create(self, key: str, changed: Changed[Account], act: Act) -> Account: ...  # noqa: D102


class Sessions(Protocol):
    """The store of sessions."""

    def find(self, key: str) -> Session | None: ...  # noqa: D102
    def create(self, key: str, changed: Changed[Session], act: Act) -> Session: ...  # noqa: D102
    def remove(self, key: str) -> None: ...  # noqa: D102


class ApiTokens(Protocol):
    """The store of API tokens."""

    def find(self, key: str) -> ApiToken | None: ...  # noqa: D102
    def create(self, key: str, changed: Changed[ApiToken], act: Act) -> ApiToken: ...  # noqa: D102
    def change(self, key: str, act: Act, step: Callable[[ApiToken], Changed[ApiToken]]) -> ApiToken: ...  # noqa: D102


class FailedAttempts(Protocol):
    """The store of failed sign-ins, and of the counts of attempts."""

    def create(self, key: str, changed: Changed[FailedAttempt], act: Act) -> FailedAttempt: ...  # noqa: D102
    def count(self, key: str, allowance: Allowance, now: datetime) -> None: ...  # noqa: D102
    def take_back(self, key: str, now: datetime) -> None: ...  # noqa: D102


class Services(Protocol):
    """The client of the other services."""

    def call(self, caller: Caller, message: Call[R], service: str | None = None) -> R: ...  # noqa: D102
    def call_each(  # noqa: D102
        self, caller: Caller, message: Call[R], services: Iterable[str]
    ) -> dict[str, R | LockboxError]: ...


@dataclass(frozen=True)
class Credentials:
    """An address and a password."""

    email: Email
    password: str


@dataclass(frozen=True)
class Known:
    """The stores of accounts and their credentials."""

    accounts: Accounts
    sessions: Sessions
    api_tokens: ApiTokens
    failed_attempts: FailedAttempts


@dataclass(frozen=True)
class Identity:
    """The account of a caller, the time at which it was authenticated, and the tenants that an API token is for."""

    account: Account
    since: datetime
    tenants: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True)
class RequestDetails(RequestView):
    """A request with its terms and history, and its outcome so far from the service that decides it.

    `terms` are what can still be granted. Until a request has arrived there, nothing is open and `terms` is null.
    """

    stages: tuple[Stage, ...] = ()
    decisions: tuple[DecisionView, ...] = ()
    request_digest: str | None = None
    terms: AccessTerms | None = None
    policy_version: int | None = None
    why: tuple[str, ...] = ()
    rule: str | None = None
    comment_on_denial: Flag = False
    break_glass_allowed: Flag = False
    notes: tuple[Note, ...] = ()
    break_glass: BreakGlassView | None = None
    extensions: tuple[ExtensionView, ...] = ()
    grant: GrantView | None = None
    open: OpenDecision | None = None
    you: Judgement = field(default_factory=Judgement)


OF_REQUEST = {field.name for field in fields(RequestView)} - {"state", "expires_at"}
OUTCOME = tuple(field.name for field in fields(RequestDetails) if field.name not in OF_REQUEST)


def create_members(known: Known, seed: Seed, correlation_id: str, now: datetime) -> None:
    """Create the members of a seed that do not exist yet; let API tokens be for the tenants that the seed names."""
    act = Act(Cause(SERVICE, correlation_id), now)
    for member in seed.members:
        account = known.accounts.find(member.email)
        if account is None:
            password_hash = hash_password(member.password) if member.password else None
            added = Account.add(member.email, member.organisation, member.roles, password_hash)
            account = known.accounts.create(member.email, added, act)
        if member.api_token:
            _create_token(known.api_tokens, account, member, act)


def sign_out(known: Known, token: str) -> None:
    """End a session."""
    known.sessions.remove(token_digest(token))


def identify(known: Known, token: str, now: datetime) -> Identity:
    """Return the account behind a session's or a machine's token; raises `Unauthenticated`."""
    key = token_digest(token)
    session = known.sessions.find(key) or known.api_tokens.find(key)
    if session is None:
        raise Unauthenticated("token_unknown", "this token is not known here")
    if isinstance(session, Session) and now >= session.expires_at:
        raise Unauthenticated("session_expired", "the session has ended; sign in again")
    account = known.accounts.find(session.email)
    if account is None:
        raise Unauthenticated("account_removed", "this account does not exist any more")
    return Identity(account, session.created_at, frozenset(session.tenants) if isinstance(session, ApiToken) else None)


def read_request(services: Services, caller: Caller, request_id: str, patience: Patience) -> RequestDetails:
    """Return a request with its outcome: the request from one service, the outcome from the one that decides.

    A request that was created a moment ago is waited for.
    """
    request = services.call(caller, GetRequest(request_id=request_id))
    asked = wire.named(RequestView, request)
    approval = _approval_of(services, caller, request_id, patience)
    if approval is None:
        return RequestDetails(**asked)
    decided = {name: getattr(approval, name) for name in OUTCOME}
    return RequestDetails(**asked | decided)


def act_on_request(services: Services, caller: Caller, message: OnRequest, patience: Patience) -> ApprovalView:
    """Send an operation on a request; a new one may not have reached the approval service yet, so it is tried again."""
    while True:
        try:
            return services.call(caller, message)
        except NotFound:
            services.call(caller, GetRequest(request_id=message.request_id))
            if not patience():
                raise Unavailable("request_not_open_yet", "the request is not open for decisions yet") from None


def _create_token(api_tokens: ApiTokens, account: Account, member: SeedMember, act: Act) -> None:
    """Create a token that does not exist yet; one that exists is for the tenants of the seed from now on."""
    key, tenants = token_digest(str(member.api_token)), member.token_tenants
    api_tokens.create(key, ApiToken.create(account, tenants, act.now), act)
    api_tokens.change(key, act, lambda token: token.name_tenants(account, tenants))


def _approval_of(services: Services, caller: Caller, request_id: str, patience: Patience) -> ApprovalReading | None:
    while True:
        try:
            return services.call(caller, GetApproval(request_id=request_id))
        except NotFound:
            if not patience():
                return None
