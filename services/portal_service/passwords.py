"""Passwords and tokens: argon2id for passwords, SHA-256 for random tokens.

Checking a password takes long on purpose. So checks run in native threads of low priority, a few at once, and a few
more wait; the rest is refused at once. Browsers that are known have a thread of their own.
"""

import hashlib
import os
import secrets
import sys

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from eventlet import tpool
from eventlet.semaphore import Semaphore

from lockbox.errors import Unavailable

SESSION_PREFIX = "lbs_"

LOW_PRIORITY = 10
"""Niceness of the threads that check passwords, and of those that argon2 begins."""

_hasher = PasswordHasher()
_hash_of_no_account = _hasher.hash(secrets.token_urlsafe(16))


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password (RFC 9106)."""
    return _hasher.hash(password)


class CheckQueue:
    """A queue of password checks: so many at once, so many that wait."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._turns = Semaphore(at_once)
        self._room = at_once + waiting

    def run(self, password_hash: str, password: str) -> bool:
        """Check a password in its turn. Raises `Unavailable` if too many wait already."""
        if self._room <= 0:
            raise Unavailable("sign_in_busy", "many people sign in right now; try again in a moment")
        self._room -= 1
        try:
            with self._turns:
                return bool(tpool.execute(_check, password_hash, password))
        finally:
            self._room += 1


FOR_STRANGERS, FOR_KNOWN_BROWSERS = CheckQueue(2, 16), CheckQueue(1, 16)


def password_matches(password_hash: str | None, password: str, queue: CheckQueue = FOR_STRANGERS) -> bool:
    """Tell whether a password is the right one; takes as long for an account that does not exist."""
    return queue.run(password_hash or _hash_of_no_account, password) and password_hash is not None


def new_session_token() -> str:
    """Return a random token of 256 bits."""
    return SESSION_PREFIX + secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """Return the digest that a token is stored by; a look-up by digest leaks nothing through timing."""
    return hashlib.sha256(token.encode()).hexdigest()


def _check(password_hash: str, password: str) -> bool:
    if sys.platform == "linux":  # elsewhere it is the priority of the whole process
        os.setpriority(os.PRIO_PROCESS, 0, LOW_PRIORITY)
    return _matches(password_hash, password)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
