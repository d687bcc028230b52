import json
import stat
from pathlib import Path
from typing import Any

import pytest

from lockbox.contracts import wire
from lockbox.provision.accounts import DEMO_MEMBERS, ENFORCEMENT_POINT, describe_accounts, write_demo_accounts
from portal_service.domain.account import Account
from portal_service.domain.seed import Seed

URLS = {"portal": "http://localhost:8480", "content": "http://localhost:8490"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "demo-accounts.json"


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_accounts_when_written_are_for_their_owner_alone(path: Path) -> None:
    write_demo_accounts(path, DEMO_MEMBERS, URLS, "lbk_token")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_accounts_when_written_hold_addresses_and_passwords_and_no_token(path: Path) -> None:
    write_demo_accounts(path, DEMO_MEMBERS, URLS, "lbk_token")
    document = read(path)
    assert {name: document[name] for name in URLS} == URLS
    assert set(document["accounts"]) == set(DEMO_MEMBERS)
    passwords = {account["password"] for account in document["accounts"].values()}
    assert len(passwords) == len(DEMO_MEMBERS)
    assert all(len(password) >= 16 for password in passwords)
    assert "lbk_token" not in path.read_text()


def test_accounts_when_written_again_keep_their_passwords(path: Path) -> None:
    first = write_demo_accounts(path, DEMO_MEMBERS, URLS, "lbk_token")
    before = read(path)
    assert write_demo_accounts(path, DEMO_MEMBERS, URLS, "lbk_token") == first
    assert read(path) == before


def test_accounts_when_members_are_added_keep_the_passwords_of_the_others(path: Path) -> None:
    write_demo_accounts(path, DEMO_MEMBERS, URLS, "lbk_token")
    before = read(path)["accounts"]
    more = {**DEMO_MEMBERS, "lead": ("lena@vendor.example", "vendor", ["engineer", "vendor_approver"])}
    write_demo_accounts(path, more, URLS | {"portal": "http://localhost:1"}, "lbk_token")
    after = read(path)
    assert {name: after["accounts"][name] for name in before} == before
    assert after["accounts"]["lead"]["password"]
    assert after["portal"] == "http://localhost:1"


def test_seed_when_returned_is_what_the_portal_reads(path: Path) -> None:
    seed = wire.decode(Seed, json.loads(write_demo_accounts(path, DEMO_MEMBERS, URLS, "lbk_token")))
    people = {member.email: member for member in seed.members}
    assert len(people) == len(DEMO_MEMBERS) + 1
    for account in read(path)["accounts"].values():
        assert people[account["email"]].password == account["password"]
        assert people[account["email"]].api_token is None
    assert people[ENFORCEMENT_POINT].api_token == "lbk_token"
    assert people[ENFORCEMENT_POINT].password is None


def test_seed_when_returned_gives_only_roles_that_fit(path: Path) -> None:
    seed = wire.decode(Seed, json.loads(write_demo_accounts(path, DEMO_MEMBERS, URLS, "lbk_token")))
    for member in seed.members:
        assert Account.add(member.email, member.organisation, member.roles, None).state.email == member.email


def test_describe_accounts_when_read_says_where_everything_is_and_whom_to_sign_in_as(path: Path) -> None:
    write_demo_accounts(path, DEMO_MEMBERS, URLS, "lbk_token")
    said = describe_accounts(read(path))
    assert all(url in said for url in URLS.values())
    for name, account in read(path)["accounts"].items():
        assert [name, account["email"], account["password"]] in [line.split() for line in said.splitlines()]
