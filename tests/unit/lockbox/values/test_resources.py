import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockbox.values.resources import covers, is_pattern, overlap

SEGMENTS = st.sampled_from(["a", "b", "A", "a.b"])
ITEMS = st.lists(SEGMENTS, min_size=2, max_size=4).map("/".join)
PATTERNS = st.tuples(
    st.lists(SEGMENTS | st.just("*"), min_size=1, max_size=3), SEGMENTS | st.sampled_from(["*", "**"])
).map(lambda parts: "/".join([*parts[0], parts[1]]))


@pytest.mark.parametrize(
    ("pattern", "resource", "expected"),
    [
        ("mailbox/alice", "mailbox/alice", True),
        ("mailbox/alice", "mailbox/Alice", False),
        ("mailbox/alice", "mailbox/alice/inbox", False),
        ("mailbox/*", "mailbox/alice", True),
        ("mailbox/*", "mailbox/alice/inbox", False),
        ("mailbox/*", "files/alice", False),
        ("mailbox/*", "mailbox/*", True),
        ("mailbox/*", "mailbox/**", False),
        ("mailbox/**", "mailbox/alice", True),
        ("mailbox/**", "mailbox/alice/inbox/7", True),
        ("mailbox/**", "mailbox/*", True),
        ("mailbox/**", "mailbox/**", True),
        ("mailbox/**", "mailbox2/alice", False),
        ("*/alice", "mailbox/alice", True),
        ("*/*", "mailbox/alice", True),
        ("*/**", "mailbox/alice/inbox", True),
        ("mailbox/*/inbox", "mailbox/alice/inbox", True),
        ("mailbox/*/inbox", "mailbox/alice/sent", False),
        ("mailbox/alice", "mailbox/*", False),
    ],
)
def test_pattern_when_asked_covers_exactly_what_it_says(pattern: str, resource: str, expected: bool) -> None:
    assert covers(pattern, resource) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("mailbox/alice", "mailbox/alice", True),
        ("mailbox/alice", "mailbox/bob", False),
        ("mailbox/*", "*/alice", True),
        ("mailbox/*", "mailbox/*/inbox", False),
        ("mailbox/**", "mailbox/*/inbox", True),
        ("mailbox/**", "files/**", False),
        ("*/**", "files/x", True),
    ],
)
def test_patterns_when_an_item_can_match_both_overlap(one: str, other: str, expected: bool) -> None:
    assert overlap(one, other) is expected
    assert overlap(other, one) is expected


def test_resource_when_it_has_a_wildcard_is_a_pattern() -> None:
    assert is_pattern("mailbox/*")
    assert not is_pattern("mailbox/alice")


def matched(pattern: str, item: str) -> bool:
    """The same by a regular expression, for items without wildcards."""
    parts = [{"*": "[^/]+", "**": ".+"}.get(segment, re.escape(segment)) for segment in pattern.split("/")]
    return re.fullmatch("/".join(parts), item) is not None


@given(PATTERNS, ITEMS)
def test_covers_when_it_is_an_item_agrees_with_a_regular_expression(pattern: str, item: str) -> None:
    assert covers(pattern, item) is matched(pattern, item)
    assert overlap(pattern, item) is matched(pattern, item)


@given(PATTERNS, PATTERNS, ITEMS)
def test_covers_when_it_is_a_pattern_never_promises_too_much(wide: str, narrow: str, item: str) -> None:
    if covers(wide, narrow) and matched(narrow, item):
        assert matched(wide, item)
    if matched(wide, item) and matched(narrow, item):
        assert overlap(wide, narrow)


@given(PATTERNS)
def test_covers_when_it_is_the_same_holds(pattern: str) -> None:
    assert covers(pattern, pattern)
    assert overlap(pattern, pattern)
