from datetime import timedelta

import pytest
from tests.unit.builders import NOW

from approval_service.domain.keyring import Keyring, MadeKey
from lockbox.contracts.keys import KeyState, SigningKeyCreated, SigningKeyRetired, SigningKeyRevoked
from lockbox.errors import Conflict, NotFound

LATER = NOW + timedelta(days=30)


def made(name: str) -> MadeKey:
    return MadeKey(kid=name, x=f"public {name}", handle=f"private {name}", kept_in="memory")


FIRST = Keyring().rotate(made("k1"), NOW)
SECOND = FIRST.then(lambda ring: ring.rotate(made("k2"), LATER))


def states(ring: Keyring) -> dict[str, str]:
    return {key.kid: key.state for key in ring.keys}


def test_rotate_when_it_is_the_first_makes_it_the_one_that_signs() -> None:
    assert FIRST.facts == (SigningKeyCreated(kid="k1", x="public k1"),)
    assert (FIRST.state.active.kid, FIRST.state.active.created_at) == ("k1", NOW)


def test_rotate_when_there_is_one_lets_it_sign_no_more_but_count_on() -> None:
    assert SECOND.facts[1:] == (SigningKeyCreated(kid="k2", x="public k2"), SigningKeyRetired(kid="k1"))
    assert states(SECOND.state) == {"k2": KeyState.ACTIVE, "k1": KeyState.RETIRED}
    assert [key.kid for key in SECOND.state.published] == ["k2", "k1"]
    old = SECOND.state.keys[1]
    assert (old.handle, old.retired_at) == (None, LATER)


def test_revoke_when_it_signs_no_more_leaves_the_active_one_in_place() -> None:
    changed = SECOND.state.revoke("k1", made("k3"), "a disk was lost", LATER)
    assert changed.facts == (SigningKeyRevoked(kid="k1", comment="a disk was lost"),)
    assert states(changed.state) == {"k2": KeyState.ACTIVE, "k1": KeyState.REVOKED}
    assert ([key.kid for key in changed.state.published], changed.state.revoked) == (["k2"], ("k1",))


def test_revoke_when_it_is_the_one_that_signs_puts_a_new_one_in_its_place() -> None:
    changed = SECOND.state.revoke("k2", made("k3"), "", LATER)
    assert [type(fact) for fact in changed.facts] == [SigningKeyCreated, SigningKeyRetired, SigningKeyRevoked]
    assert states(changed.state) == {"k3": KeyState.ACTIVE, "k2": KeyState.REVOKED, "k1": KeyState.RETIRED}
    assert changed.state.active.handle == "private k3"


def test_revoke_when_it_was_revoked_before_conflicts() -> None:
    ring = SECOND.state.revoke("k1", made("k3"), "", LATER).state
    with pytest.raises(Conflict) as refused:
        ring.revoke("k1", made("k4"), "", LATER)
    assert refused.value.code == "key_revoked"


def test_revoke_when_there_is_no_such_key_says_so() -> None:
    with pytest.raises(NotFound) as refused:
        FIRST.state.revoke("k9", made("k2"), "", LATER)
    assert refused.value.code == "key_not_found"


def test_list_when_shown_to_operators_holds_no_key_material() -> None:
    [shown] = FIRST.state.as_list().items
    assert (shown.kid, shown.state, shown.kept_in) == ("k1", KeyState.ACTIVE, "memory")
    assert not {"handle", "x"} & set(vars(shown))
