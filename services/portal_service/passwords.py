"""Passwords and tokens: argon2id for passwords, SHA-256 for random tokens."""

import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from eventlet import tpool

SESSION_PREFIX = "lbs_"

_hasher = PasswordHasher()
_hash_of_no_account = _hasher.hash(secrets.token_urlsafe(16))


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password (RFC 9106)."""
    return _hasher.hash(password)


def password_matches(password_hash: str | None, password: str) -> bool:
    """Tell whether a password is the right one; takes as long for an account that does not exist.

    Runs in a thread, because it takes long on purpose, and other callers should not wait for it.
    """
    return bool(tpool.execute(_matches, password_hash or _hash_of_no_account, password)) and password_hash is not None


def new_session_token() -> str:
    """Return a random token of 256 bits."""
    return SESSION_PREFIX + secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """Return the digest that a token is stored by; a look-up by digest leaks nothing through timing."""
    return hashlib.sha256(token.encode()).hexdigest()


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
