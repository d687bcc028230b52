"""The use case of signing in: an attempt is counted, then judged in its turn."""

from dataclasses import dataclass, field
from datetime import datetime

from lockbox.contracts.acts import Act
from lockbox.errors import Unavailable
from portal_service.domain.account import Account
from portal_service.domain.session import FailedAttempt, Session, Unauthenticated
from portal_service.domain.sign_in import Visitor
from portal_service.passwords import (
    FOR_KNOWN_BROWSERS,
    FOR_STRANGERS,
    new_session_token,
    password_matches,
    token_digest,
)
from portal_service.usecases import Known


@dataclass(frozen=True)
class SignInAttempt:
    """An attempt to sign in, with an id of its own and its sender."""

    id: str
    email: str
    password: str = field(repr=False)
    visitor: Visitor = field(default_factory=Visitor)


def sign_in(known: Known, attempt: SignInAttempt, act: Act) -> str:
    """Return a session token for the right password; raises `Unauthenticated`, `TooMany` or `Unavailable`."""
    _count(known, attempt, act.now)
    account = known.accounts.find(attempt.email)
    if not _password_is_right(known, attempt, account, act.now) or account is None:
        failed = FailedAttempt.note(attempt.email, account, attempt.visitor.source, act.now)
        known.failed_attempts.create(attempt.id, failed, act)
        raise Unauthenticated("sign_in_failed", "the address or the password is wrong")
    _take_back(known, attempt, act.now)
    token = new_session_token()
    known.sessions.create(token_digest(token), Session.begin(account, act.now, attempt.visitor.source), act)
    return token


def _password_is_right(known: Known, attempt: SignInAttempt, account: Account | None, now: datetime) -> bool:
    queue = FOR_STRANGERS if attempt.visitor.browser is None else FOR_KNOWN_BROWSERS
    try:
        return password_matches(account.password_hash if account else None, attempt.password, queue)
    except Unavailable:
        _take_back(known, attempt, now)
        raise


def _count(known: Known, attempt: SignInAttempt, now: datetime) -> None:
    for key, allowance in attempt.visitor.allowances(attempt.email):
        known.failed_attempts.count(key, allowance, now)


def _take_back(known: Known, attempt: SignInAttempt, now: datetime) -> None:
    """Uncount an attempt that was no guess: the password was right, or was not looked at."""
    for key, _ in attempt.visitor.allowances(attempt.email):
        known.failed_attempts.take_back(key, now)
