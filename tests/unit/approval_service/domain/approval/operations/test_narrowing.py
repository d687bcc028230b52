from datetime import timedelta
from typing import Any

import pytest
from tests.unit.builders import NOW, terms

from approval_service.domain.approval.operations.narrowing import narrow, only_shorter
from lockbox.contracts.approval.terms import Changes
from lockbox.errors import Invalid

HOUR = timedelta(hours=1)
ASKED = terms(resources=("mailbox/*", "files/x"), actions=("read", "write"), duration=2 * HOUR)


def code_of(act: Any) -> str:
    with pytest.raises(Invalid) as refused:
        act()
    return refused.value.code


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        (Changes(duration=HOUR), "duration", HOUR),
        (Changes(resources=("mailbox/alice",)), "resources", ("mailbox/alice",)),
        (Changes(actions=("read",)), "actions", ("read",)),
        (Changes(starts_at=NOW + HOUR), "starts_at", NOW + HOUR),
    ],
)
def test_narrow_when_a_change_takes_away_leaves_the_rest_as_it_is(changes: Changes, field: str, value: Any) -> None:
    narrowed = narrow(ASKED, changes, NOW)
    assert getattr(narrowed, field) == value
    assert narrow(ASKED, Changes(), NOW) == ASKED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (Changes(duration=3 * HOUR), "longer_than_asked"),
        (Changes(resources=("mailbox/**",)), "wider_than_asked"),
        (Changes(actions=("delete",)), "wider_than_asked"),
        (Changes(starts_at=NOW - HOUR), "earlier_than_asked"),
        (Changes(starts_at=NOW + timedelta(days=31)), "earlier_than_asked"),
    ],
)
def test_narrow_when_a_change_would_add_is_refused(changes: Changes, code: str) -> None:
    assert code_of(lambda: narrow(ASKED, changes, NOW)) == code


def test_only_shorter_when_anything_but_the_duration_changes_is_refused() -> None:
    assert only_shorter(ASKED, Changes(duration=HOUR)).duration == HOUR
    assert only_shorter(ASKED, Changes()) == ASKED
    for changes in (Changes(resources=("files/x",)), Changes(actions=("read",)), Changes(starts_at=NOW + HOUR)):
        assert code_of(lambda changes=changes: only_shorter(ASKED, changes)) == "not_changeable"
