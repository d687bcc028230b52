from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from approval_service.domain.people import People, Person, assign, unfilled
from lockbox.contracts.identity import Role
from lockbox.contracts.policy.document import Group, Side


def person(email: str, organisation: str, *roles: Role) -> Person:
    return Person(email, organisation, frozenset(roles))


ALICE = person("alice@contoso.example", "contoso", Role.CUSTOMER_APPROVER)
CAROL = person("carol@contoso.example", "contoso", Role.CUSTOMER_ADMIN)
AARON = person("aaron@contoso.example", "contoso", Role.CUSTOMER_AUDITOR)
VICTOR = person("victor@vendor.example", "vendor", Role.VENDOR_APPROVER)
MALLORY = person("mallory@vendor.example", "vendor", Role.CUSTOMER_APPROVER)
FRANK = person("frank@fabrikam.example", "fabrikam", Role.CUSTOMER_APPROVER)
PEOPLE = People.of("contoso", [ALICE, CAROL, AARON, VICTOR, MALLORY, FRANK])


def eligible(side: Side, *members: str) -> set[str]:
    return set(PEOPLE.eligible(Group(name="x", members=members), side))


def test_eligible_when_a_role_is_named_are_its_people_of_that_side() -> None:
    assert eligible(Side.CUSTOMER, "customer_approver") == {ALICE.email}
    assert eligible(Side.CUSTOMER, "customer_approver", "customer_admin") == {ALICE.email, CAROL.email}
    assert eligible(Side.VENDOR, "vendor_approver") == {VICTOR.email}
    assert eligible(Side.VENDOR, "customer_approver") == set()


def test_eligible_when_a_person_is_named_needs_a_role_that_decides_and_the_right_organisation() -> None:
    assert eligible(Side.CUSTOMER, CAROL.email) == {CAROL.email}
    assert eligible(Side.CUSTOMER, AARON.email) == set()
    assert eligible(Side.CUSTOMER, FRANK.email) == set()
    assert eligible(Side.CUSTOMER, MALLORY.email) == set()
    assert eligible(Side.VENDOR, ALICE.email) == set()


def test_assign_when_somebody_could_count_twice_counts_once() -> None:
    taken = assign({"ann": ["legal", "security"]}, {"legal": 1, "security": 1})
    assert unfilled(taken, {"legal": 1, "security": 1}) == 1


def test_assign_when_somebody_has_to_make_room_moves_over() -> None:
    places = {"legal": 1, "security": 1}
    taken = assign({"ann": ["legal", "security"], "ben": ["legal"]}, places)
    assert taken == {"legal": ["ben"], "security": ["ann"]}


@given(
    st.dictionaries(st.sampled_from("abcde"), st.lists(st.sampled_from("xyz"), unique=True, max_size=3), max_size=5),
    st.dictionaries(st.sampled_from("xyz"), st.integers(0, 2), max_size=3),
)
def test_assign_when_compared_with_every_possibility_fills_as_many_places(people: Any, places: Any) -> None:
    taken = assign(people, places)
    chosen = [person for group in taken.values() for person in group]
    assert len(set(chosen)) == len(chosen)
    assert all(group in people[person] for group, found in taken.items() for person in found)
    assert all(len(found) <= places[group] for group, found in taken.items())
    options = [[*(group for group in groups if group in places), None] for groups in people.values()]
    best = max(
        sum(choice is not None for choice in choices)
        for choices in product(*options)
        if all(choices.count(group) <= count for group, count in places.items())
    )
    assert len(chosen) == best
