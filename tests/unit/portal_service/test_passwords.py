import hashlib
import re
import time
from threading import Event

import eventlet
import pytest
from argon2 import PasswordHasher

from lockbox.errors import Unavailable
from portal_service import passwords
from portal_service.passwords import hash_password, new_session_token, password_matches, token_digest

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HASH = QUICK.hash("correct horse")


def test_hash_when_made_is_argon2id_with_a_salt_of_its_own() -> None:
    one, other = hash_password("correct horse"), hash_password("correct horse")
    assert one != other
    assert one.startswith("$argon2id$")
    assert "correct" not in one
    memory, time = re.findall(r"m=(\d+),t=(\d+)", one)[0]
    assert int(memory) >= 19 * 1024, "OWASP's least for argon2id with two passes"
    assert int(time) >= 2
    assert password_matches(one, "correct horse")


@pytest.mark.parametrize(
    "password", ["wrong", "", "Correct horse", "correct horse ", "correct hors\u00e9", "x" * 10_000]
)
def test_matches_when_the_password_is_wrong_is_false(password: str) -> None:
    assert not password_matches(HASH, password)


def test_matches_when_the_password_is_right_is_true() -> None:
    assert password_matches(HASH, "correct horse")
    assert password_matches(QUICK.hash("pässwörd 東京"), "pässwörd 東京")


@pytest.mark.parametrize("broken", ["nonsense", "$argon2id$", "$argon2id$v=19$m=8,t=1,p=1$x$y", "$2b$12$abc"])
def test_matches_when_the_hash_is_broken_is_false(broken: str) -> None:
    assert not password_matches(broken, "correct horse")


@pytest.mark.parametrize("nobody", [None, ""])
def test_matches_when_there_is_no_account_is_false_whatever_the_password(
    nobody: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passwords, "_hash_of_no_account", HASH)
    assert not password_matches(None, "correct horse")
    assert nobody is None or not password_matches(nobody, "wrong")


def test_matches_when_there_is_no_account_checks_a_hash_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    monkeypatch.setattr(passwords, "_matches", lambda hashed, _password: bool(checked.append(hashed)))
    password_matches(None, "x")
    password_matches(HASH, "x")
    assert checked == [passwords._hash_of_no_account, HASH]
    parameters = [
        re.findall(r"m=\d+,t=\d+,p=\d+", hashed) for hashed in (passwords._hash_of_no_account, hash_password("x"))
    ]
    assert parameters[0] == parameters[1]


def test_matches_when_the_password_is_no_unicode_text_is_false() -> None:
    assert not password_matches(HASH, "\ud800")


def test_session_token_when_made_is_random_and_long() -> None:
    tokens = {new_session_token() for _ in range(50)}
    assert len(tokens) == 50
    assert all(re.fullmatch(r"lbs_[A-Za-z0-9_-]{43}", token) for token in tokens)


def test_token_digest_when_of_a_token_is_its_sha_256() -> None:
    assert token_digest("lbs_x") == hashlib.sha256(b"lbs_x").hexdigest()
    assert token_digest("lbs_x") != token_digest("lbs_y")


def test_check_queue_when_too_many_wait_refuses_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[int] = []
    most: list[int] = []

    def slow(_hash: str, _password: str) -> bool:
        running.append(1)
        most.append(len(running))
        time.sleep(0.02)
        running.pop()
        return True

    monkeypatch.setattr(passwords, "_matches", slow)
    queue, codes = passwords.CheckQueue(2, 3), []

    def attempt() -> None:
        try:
            queue.run(HASH, "x")
            codes.append("checked")
        except Unavailable as error:
            codes.append(error.code)

    pool = eventlet.GreenPool(40)
    for _ in range(40):
        pool.spawn(attempt)
    pool.waitall()
    assert (codes.count("checked"), codes.count("sign_in_busy")) == (5, 35)
    assert max(most) == 2
    assert queue.run(HASH, "x")


def test_check_queue_when_it_works_lets_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    went_on = Event()
    monkeypatch.setattr(passwords, "_matches", lambda _hash, _password: went_on.wait(10))
    eventlet.spawn_after(0, went_on.set)
    assert passwords.CheckQueue(1, 0).run(HASH, "x")
