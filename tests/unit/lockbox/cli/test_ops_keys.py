"""`lockbox ops keys`: what it shows, what it has done, and that it asks before it ends anything."""

import json

import httpx
import pytest
from tests.unit.builders import NOW
from tests.unit.keys import signing_key
from tests.unit.lockbox.cli.commands import run, sent, table, works
from tests.unit.lockbox.cli.documents import SOON
from tests.unit.lockbox.fake_portal import FakePortal

from lockbox.contracts import wire
from lockbox.contracts.keys import KeyList, KeyState, KeyView

KEYS = "/api/v1/ops/keys"
OLD, NEW = signing_key(1).kid, signing_key(2).kid
PLACE = "database, sealed"
FIRST = KeyView(kid=OLD, state=KeyState.ACTIVE, kept_in=PLACE, created_at=NOW)
SECOND = KeyView(kid=NEW, state=KeyState.ACTIVE, kept_in=PLACE, created_at=SOON)
RETIRED = KeyView(kid=OLD, state=KeyState.RETIRED, kept_in=PLACE, created_at=NOW, retired_at=SOON)
REVOKED = KeyView(
    kid=OLD, state=KeyState.REVOKED, kept_in=PLACE, created_at=NOW, revoked_at=SOON, comment="A disk was lost."
)

pytestmark = pytest.mark.usefixtures("signed_in")


def ring(*keys: KeyView) -> object:
    return wire.encode(KeyList(items=keys))


def test_list_when_shown_says_since_when_each_key_is_what_it_is(portal: FakePortal) -> None:
    portal.says(f"GET {KEYS}", ring(SECOND, REVOKED))
    assert table(works("ops", "keys", "list"), "KEY ID") == [
        [NEW, "ACTIVE", "2026-01-31 09:35:00 UTC", "2026-01-31 09:35:00 UTC", PLACE, "-"],
        [OLD, "REVOKED", "2026-01-31 09:35:00 UTC", "2026-01-31 09:30:00 UTC", PLACE, "A disk was lost."],
    ]
    assert json.loads(works("ops", "keys", "list", "--json")) == ring(SECOND, REVOKED)


def test_rotate_when_done_says_which_key_signs_and_which_one_did(portal: FakePortal) -> None:
    portal.says(f"GET {KEYS}", ring(FIRST))
    portal.says(f"POST {KEYS}/rotate", ring(SECOND, RETIRED))
    said = works("ops", "keys", "rotate").splitlines()
    assert said == [
        f"Grants are signed with {NEW} from now on; it is on record.",
        f"Grants that {OLD} has signed stay valid until they end.",
    ]
    assert portal.asked(f"POST {KEYS}/rotate")[0].headers["Idempotency-Key"]
    assert json.loads(works("ops", "keys", "rotate", "--json")) == ring(SECOND, RETIRED)


def test_revoke_when_confirmed_says_what_it_does_before_and_after(portal: FakePortal) -> None:
    portal.says(f"POST {KEYS}/{OLD}/revoke", ring(SECOND, REVOKED))
    done = run("ops", "keys", "revoke", "-m", "A disk was lost.", "--", OLD, text="y\n")
    assert done.exit_code == 0
    assert f"No grant that {OLD} has signed will be valid any more" in done.stderr
    assert done.stdout.splitlines()[-2:] == [
        f"Revoked {OLD}: no grant that it has signed is valid any more; it is on record.",
        f"Grants are signed with {NEW}; engineers fetch theirs again.",
    ]
    assert sent(portal, f"POST {KEYS}/{OLD}/revoke") == {"comment": "A disk was lost."}


@pytest.mark.parametrize("text", ["n\n", "\n", ""])
def test_revoke_when_not_confirmed_revokes_nothing(portal: FakePortal, text: str) -> None:
    assert run("ops", "keys", "revoke", "--", OLD, text=text).exit_code == 1
    assert portal.requests == []


def test_revoke_when_told_yes_asks_nothing(portal: FakePortal) -> None:
    portal.on(f"POST {KEYS}/{OLD}/revoke", lambda _: httpx.Response(200, json=ring(SECOND, REVOKED)))
    done = run("ops", "keys", "revoke", "--yes", "--json", "--", OLD)
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == ring(SECOND, REVOKED)
