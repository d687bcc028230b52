import pytest

from lockbox.values.resources import PATTERN
from lockbox.values.scope import cautions, changes, meaning, named, named_all, scope

MEANINGS = {
    "mailbox/alice": "mailbox/alice",
    "mailbox/**": "everything below mailbox",
    "mailbox/alice/**": "everything below mailbox/alice",
    "mailbox/*": "every item directly below mailbox",
    "mailbox/*/*": "every item two levels below mailbox",
    "mailbox/*/**": "everything at least two levels below mailbox",
    "*/*": "every item of two segments",
    "*/*/*": "every item of three segments",
    "*/**": "everything there is",
    "*/*/**": "every item of at least three segments",
    "*/alice": "every item like */alice, with any name for each *",
    "mailbox/*/inbox": "every item like mailbox/*/inbox, with any name for each *",
    "mailbox/*/inbox/**": "every item like mailbox/*/inbox, with any name for each *, and everything below",
    "*/alice/*": "every item like */alice/*, with any name for each *",
}


@pytest.mark.parametrize(("pattern", "words"), MEANINGS.items())
def test_meaning_when_it_is_a_pattern_is_in_words(pattern: str, words: str) -> None:
    assert PATTERN.match(pattern)
    assert meaning(pattern) == words
    assert named(pattern) == (f"{pattern} ({words})" if "*" in pattern else pattern)


def test_meaning_when_patterns_differ_differs() -> None:
    assert len(set(MEANINGS.values())) == len(MEANINGS)


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        (["mailbox/alice"], "1 resource"),
        (["mailbox/alice", "files/x"], "2 resources"),
        (["mailbox/**", "*/*"], "everything below mailbox and every item of two segments"),
        (["mailbox/alice", "files/**"], "1 resource and everything below files"),
        (
            ["a/**", "b/**", "c/**", "d/**"],
            "everything below a, everything below b, everything below c and 1 more pattern",
        ),
    ],
)
def test_scope_when_there_are_patterns_says_what_they_mean(resources: list[str], words: str) -> None:
    assert scope(resources) == words


def test_names_when_there_are_many_are_some_with_the_patterns_first() -> None:
    resources = [f"mailbox/{number}" for number in range(99)] + ["files/**"]
    words = named_all(resources)
    assert words.startswith("files/** (everything below files), mailbox/0, mailbox/1")
    assert words.endswith("mailbox/3, and 95 more")
    assert named_all(["mailbox/alice"]) == "mailbox/alice"


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("read", False),
        ("list", False),
        ("export", False),
        ("delete", True),
        ("write", True),
        ("restart", True),
        ("x", True),
    ],
)
def test_action_when_it_is_not_known_to_read_counts_as_one_that_changes(action: str, expected: bool) -> None:
    assert changes(action) is expected


@pytest.mark.parametrize(
    ("resources", "actions", "words"),
    [
        (["mailbox/alice"], ["read", "export"], ""),
        (["mailbox/alice"], ["read", "delete"], "delete 1 resource"),
        (["mailbox/**", "mailbox/alice"], ["read"], "read 1 resource and everything below mailbox"),
        (
            ["mailbox/**", "*/*"],
            ["read", "delete"],
            "read and delete everything below mailbox and every item of two segments",
        ),
    ],
)
def test_cautions_when_access_is_wide_or_changes_name_it(resources: list[str], actions: list[str], words: str) -> None:
    assert cautions(resources, actions) == words
