from dataclasses import replace
from datetime import timedelta

import pytest
from tests.unit.builders import NOW, terms
from tests.unit.keys import signing_key

from approval_service.domain.grant import Grant
from lockbox.contracts.grant.terms import Confirmation
from lockbox.contracts.grant.token import length, require_acceptable
from lockbox.crypto.jws import LONGEST
from lockbox.crypto.tokens import GRANT_TOKEN, sign
from lockbox.errors import Invalid

ERIN = "erin@vendor.example"
REQUEST = "566924bd-d58b-45eb-a91f-e689a1d37c43"


@pytest.mark.parametrize("number", [1, 50, 100])
@pytest.mark.parametrize("name", ["a", "\N{SNOWMAN}", '"', "é"])
def test_length_when_measured_is_that_of_the_longest_token_that_is_signed(number: int, name: str) -> None:
    wide = replace(terms(), resources=tuple(f"logs/{name}/{index}" for index in range(number)))
    bound = Confirmation(jkt="a" * 43, x5t_s256="b" * 43).claim()

    def signed(grant: Grant) -> str:
        return sign(GRANT_TOKEN, grant.claims() | {"cnf": bound}, signing_key())

    scheduled = Grant.of(REQUEST, ERIN, replace(wide, starts_at=NOW + timedelta(hours=1)), "approval", NOW)
    assert len(signed(scheduled)) == length(wide, ERIN)
    at_once = Grant.of(REQUEST, ERIN, wide, "approval", NOW)
    for shorter in (at_once, at_once.extend(timedelta(days=365 * 200, microseconds=1))):
        assert len(signed(shorter)) <= length(wide, ERIN)


def test_terms_when_their_signed_grant_is_one_character_too_long_are_refused() -> None:
    resources = tuple(f"logs/{index:03}/{'x' * 107}" for index in range(97))
    sizes = [replace(terms(), resources=(*resources, "y" * more)) for more in range(1, 512)]
    fitting = [one for one in sizes if length(one, ERIN) <= LONGEST]
    assert 0 < len(fitting) < len(sizes)
    require_acceptable(fitting[-1], ERIN)
    with pytest.raises(Invalid) as refused:
        require_acceptable(sizes[len(fitting)], ERIN)
    assert (refused.value.code, refused.value.faults[0]["field"]) == ("grant_too_large", "resources")
