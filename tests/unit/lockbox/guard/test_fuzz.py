"""Whatever comes, the guard answers, and says yes to nothing that another reader refuses.

FUZZ_CASES is how many are tried; a failure names the FUZZ_SEED that makes the same ones again.
"""

import os
import random
import re

from tests.unit.lockbox.guard import oracle
from tests.unit.lockbox.guard.forge import ITEMS, PIECES, Forge
from tests.unit.lockbox.guard.oracle import Oracle

from lockbox.guard import Decision
from lockbox.guard.judgement import Judge
from lockbox.values.resources import PATTERN, covers, is_item

CASES = int(os.environ.get("FUZZ_CASES", "5000"))
SEED = int(os.environ.get("FUZZ_SEED", random.SystemRandom().randrange(10**9)))
AT_ONCE, SKEW = 500, 5.0
REASONS = frozenset(re.findall(r"`([a-z_]+)`", Decision.__doc__ or ""))


def test_decide_when_anything_comes_says_yes_to_nothing_that_another_reader_refuses() -> None:
    """Each `AT_ONCE` cases are put to one judge, so that what it remembers is tried as well."""
    chance, allowed = random.Random(SEED), 0  # noqa: S311
    for round_number in range(max(1, CASES // AT_ONCE)):
        now = 1_800_000_000.0 + 1_000.25 * round_number
        allowed += sum(agreed(Forge(chance, now), now))
    assert 0.03 < allowed / max(AT_ONCE, CASES) < 0.5, "there is something to say yes to, and more to refuse"


def agreed(forge: Forge, now: float) -> list[bool]:
    judge, other = Judge("required", SKEW), Oracle(SKEW)
    return [agreed_on(forge, judge, other, now + number / AT_ONCE) for number in range(AT_ONCE)]


def agreed_on(forge: Forge, judge: Judge, other: Oracle, now: float) -> bool:
    case = forge.case()
    decision = judge.decide(case.token, case.attempt, case.shown, case.facts, now)
    may = other.allows(case.token, case.attempt, case.shown, case.facts, now)
    assert decision.reason in REASONS
    assert decision.allowed is (decision.reason == "granted")
    assert may or not decision.allowed, f"a false yes, FUZZ_SEED={SEED}: {case}"
    assert decision.allowed or not may or not case.plain, f"a false {decision.reason}, FUZZ_SEED={SEED}: {case}"
    return decision.allowed


def test_resources_when_written_in_any_way_are_read_as_documented() -> None:
    chance = random.Random(SEED)  # noqa: S311
    names = [*ITEMS, *PIECES, "a", "b", "/", "/", "/*", "/**", "*/"]
    for _ in range(CASES):
        item, pattern = ("".join(chance.choices(names, k=chance.randrange(1, 5))) for _ in range(2))
        assert is_item(item) is oracle.is_item(item), f"{item!r}, FUZZ_SEED={SEED}"
        if is_item(item) and PATTERN.match(pattern):
            assert covers(pattern, item) is oracle.matches(pattern, item), f"{pattern!r} {item!r}, FUZZ_SEED={SEED}"
