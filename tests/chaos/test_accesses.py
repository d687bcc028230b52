"""Accesses under kills: what a guard lets in is on record, each once, however it puts it there.

`ACCESSES` says how many there are at least in each mode; a long run is `ACCESSES=10000`.
"""

import os

import pytest
from rich.console import Console

from tests.chaos import accesses
from tests.chaos.arena import Arena
from tests.chaos.conftest import Judged

SHORT = 150
ACCESSES = int(os.environ.get("ACCESSES", SHORT))
ROUNDS = 1 if ACCESSES <= SHORT else 10

pytestmark = pytest.mark.timeout(300 if ACCESSES <= SHORT else 7_200)


def test_accesses_when_anybody_on_their_way_is_killed_are_on_record_once_each(arena: Arena, judged: Judged) -> None:
    with judged("accesses") as row:
        told = accesses.killed(arena, row, "accesses", ACCESSES, ROUNDS)
    Console(width=140).print(f"{told}\nkills: {dict(row.kills)}", highlight=False)


def test_oracle_when_guards_are_careless_with_the_record_sees_losses_and_doubles(arena: Arena, judged: Judged) -> None:
    with judged("careless accesses") as row:
        accesses.careless(arena, row, "careless")
