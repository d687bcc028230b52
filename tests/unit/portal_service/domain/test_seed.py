import json
from pathlib import Path
from typing import Any

import pytest

from lockbox.contracts import wire
from lockbox.errors import Invalid
from portal_service import settings
from portal_service.domain.seed import Seed, SeedMember

POINT = {"email": "point@vendor.example", "organisation": "vendor", "roles": ["enforcement_point"], "api_token": "t"}


def member(**changes: Any) -> SeedMember:
    return wire.decode(Seed, {"members": [POINT | changes]}).members[0]


@pytest.mark.parametrize(
    ("tenants", "named"),
    [("*", ("*",)), (["*"], ("*",)), (["contoso"], ("contoso",)), (["b", "a", "b"], ("a", "b"))],
)
def test_tenants_when_named_are_those_of_the_token(tenants: Any, named: tuple[str, ...]) -> None:
    assert member(tenants=tenants).token_tenants == named


@pytest.mark.parametrize("tenants", [None, [], "contoso", ["*", "contoso"], ["Contoso"], [""], [1], {"contoso": 1}, 7])
def test_tenants_when_missing_or_wrong_are_refused_with_address_field_and_value(tenants: Any) -> None:
    with pytest.raises(Invalid) as refused:
        wire.decode(Seed, {"members": [POINT | {"tenants": tenants}]}).require_tenants()
    assert refused.value.code == "invalid_tenants"
    assert refused.value.message.startswith("seed: point@vendor.example: tenants: expected a list of tenants, or ")
    assert refused.value.message.endswith(f"got {tenants!r}")


def test_tenants_when_the_member_is_no_enforcement_point_are_refused() -> None:
    assert member(roles=["operator"]).token_tenants == ()
    with pytest.raises(Invalid, match="no enforcement point"):
        _ = member(roles=["operator"], tenants=["contoso"]).token_tenants


def test_tenants_when_the_token_was_removed_from_the_seed_are_not_needed() -> None:
    assert wire.decode(Seed, {"members": [POINT | {"api_token": None}]}).require_tenants()


def test_settings_when_the_seed_names_no_tenants_stop_the_start(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    config = {"lockbox": {"portal_url": "https://lockbox.example", "web_key": "key", "seed": str(path)}}
    path.write_text(json.dumps({"members": [POINT]}))
    with pytest.raises(Invalid, match=r"point@vendor\.example"):
        settings.seed(config)
    path.write_text(json.dumps({"members": [POINT | {"tenants": ["contoso"]}]}))
    assert settings.seed(config).members[0].token_tenants == ("contoso",)
