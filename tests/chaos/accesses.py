"""Faults of accesses: who guards, and whom a guard asks, is killed; what was let in is on record, each once."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.chaos import guarded
from tests.chaos.arena import BROKER, Arena
from tests.chaos.guarded import MODES, PRODUCTS, SERVERS, Guarded, mode_of
from tests.chaos.report import Row
from tests.chaos.visitors import FOLDER, Visitors
from tests.load import BIND, CREATE, VENDOR
from tests.oracle import ACCESSES, Findings
from tests.people import TERMS
from tests.waiting import eventually

PORTAL = "portal_service"
EVERYBODY = (*PRODUCTS, *SERVERS)
VICTIMS = (
    ("product_strict", PORTAL, "server_buffered"),
    ("server_strict", BROKER, "product_buffered", "server_buffered"),
    (BROKER, *EVERYBODY, PORTAL),
)
"""Who is killed at nearly the same time. A spool that is orphaned while its portal is away has to wait for both."""
GAP_SECONDS = 1.0
BACK, IN_VAIN = 3, 5
SETTLED_WITHIN = 90.0


@dataclass(frozen=True)
class Run:
    """Guarded programs, who visits them under one grant, and the record."""

    arena: Arena
    guarded: Guarded
    visitors: Visitors
    grant_id: str

    def kill(self, *victims: str) -> float:
        """SIGKILL each, a moment apart; how long after the first every program let somebody in again."""
        started = time.monotonic()
        for victim in victims:
            (self.guarded if victim in self.guarded.programs else self.arena).kill(victim)
            time.sleep(self.arena.random.uniform(0, GAP_SECONDS / len(victims)))
        self.visitors.proceed(BACK)
        return time.monotonic() - started

    def served(self, mode: str = "") -> set[str]:
        """What was let in: by what visitors saw, and by what products gave out though nobody may have got it."""
        seen = {resource for served in self.visitors.served.values() for resource in list(served)}
        return {one for one in seen | self.guarded.given_out() if mode in one}

    def settled(self, within: float = SETTLED_WITHIN) -> Findings:
        """What is wrong when all has come to rest, after visitors have gone."""
        deadline = time.monotonic() + within
        while (found := self.look()).waiting and time.monotonic() < deadline:
            time.sleep(0.5)
        return found

    def look(self) -> Findings:
        """What is wrong now. First what waits, then what it becomes, so that nothing moves on unseen."""
        waiting = [f"{path.parent.name}/{path.name}" for path in self.guarded.spooled()]
        kept = self.arena.mongo["lockbox_approval"]["accesses"].count_documents({})
        records = self.records()
        if kept != len(records):
            waiting.append(f"{kept} accesses are known, {len(records)} on record")
        allowed = self.allowed(records)
        ids = Counter(record["access_id"] for record in records)
        return Findings(
            lost=frozenset(f"{resource} was let in and is not on record" for resource in self.served() - set(allowed)),
            doubled=frozenset(f"{one} is on record twice" for one, count in (allowed + ids).items() if count > 1),
            unexpected=frozenset(self.visitors.wrong),
            waiting=frozenset(waiting),
            parked=frozenset(self.guarded.put_aside()),
        )

    def records(self) -> list[dict[str, Any]]:
        """All records of accesses."""
        found = self.arena.mongo["lockbox_audit"]["records"].find({"type": {"$in": sorted(ACCESSES)}})
        return [json.loads(record["payload"])["data"] | {"type": record["type"]} for record in found]

    def allowed(self, records: list[dict[str, Any]]) -> Counter[str]:
        """How often the record says of each item that it was let in under this grant."""
        mine = (one for one in records if one["type"] == "access_allowed" and one["grant_id"] == self.grant_id)
        return Counter(record["resource"] for record in mine)

    def __str__(self) -> str:
        on_record = self.allowed(self.records())
        return "\n".join(self._told(mode, on_record) for mode in MODES)

    def _told(self, mode: str, on_record: Counter[str]) -> str:
        served, recorded = self.served(mode), {one: count for one, count in on_record.items() if mode in one}
        programs = [name for name in self.guarded.programs if mode_of(name) == mode]
        refused = sum((self.visitors.refused[name] for name in programs), Counter[str]())
        return (
            f"{mode}: {len(served)} served, {len(served & recorded.keys())} of them on record, "
            f"{sum(recorded.values()) - len(recorded)} twice; {len(recorded)} on record; not served: {dict(refused)}"
        )


@contextmanager
def visited(arena: Arena, programs: Guarded) -> Iterator[Run]:
    """Programs that are guarded, and visited under a new grant until visitors are told to go."""
    grant_id, token = granted(arena)
    with programs.open():
        yield Run(arena, programs, Visitors(programs, arena.people.engineer, token), grant_id)


def granted(arena: Arena) -> tuple[str, str]:
    """The id of a grant for whatever is in one folder, and the grant; told as a story that the oracle knows."""
    story, probe, people = arena.probes.begin(), arena.probe, arena.people
    terms = TERMS | {"justification": story.marker, "resources": [f"{FOLDER}/*"]}
    probe.step(story, CREATE, people.engineer, "/requests", terms)
    probe.decide(story, VENDOR, people.vendor_approver, "approve")
    probe.decide(story, "approve", people.contoso_approver, "approve")
    grant_id = str(people.engineer.get(f"/requests/{story.request_id}")["grant"]["id"])
    story.sent.append(BIND)
    token = people.engineer.grant_token(grant_id)
    story.acknowledged.append(BIND)
    return grant_id, token


def killed(arena: Arena, row: Row, name: str, accesses: int, rounds: int = 1) -> str:
    """So many accesses in each mode, while whoever takes part is killed; fails unless those let in are on record."""
    between = accesses // (2 * (rounds * len(VICTIMS) + 1)) + 1
    with visited(arena, Guarded(arena.folder / name, arena.stack, EVERYBODY)) as run:
        with run.visitors:
            for victims in VICTIMS * rounds:
                run.visitors.proceed(between)
                row.killed(run.kill(*victims), *victims)
            run.visitors.proceed(between)
        findings = run.settled()
        assert not findings, findings
        return str(run)


def careless(arena: Arena, row: Row, name: str) -> None:
    """The negative control: guards that don't wait for the record, and tell of an access twice, are caught at both."""
    with visited(arena, guarded.careless(arena.folder / name, arena.stack)) as run:
        with run.visitors:
            eventually(lambda: all(mode in str(run.look().doubled) for mode in MODES), within=SETTLED_WITHIN)
            run.visitors.proceed(IN_VAIN)
            before = run.served()
            row.killed(run.kill(*PRODUCTS), *PRODUCTS)
        run.settled()
        lost = before - set(run.allowed(run.records()))
        for mode in MODES:
            assert any(mode in resource for resource in lost), f"{mode}: nothing was lost, or nobody saw it"
