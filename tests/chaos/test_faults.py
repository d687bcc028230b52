"""The short set: each crash point of one chain, one kill of each, one key many times, and the negative control."""

import pytest

from lockbox.runtime.process.crash_points import POINTS, Point
from tests.chaos import crowds, faults, stops
from tests.chaos.arena import BROKER, DATABASE, Arena
from tests.chaos.conftest import Judged

CHAIN: tuple[dict[str, Point], ...] = (
    {
        "approval_service": "before_state_write",
        "request_service": "before_keep",
        "audit_service": "before_intake_insert",
    },
    {"approval_service": "after_state_write", "request_service": "before_pull", "audit_service": "after_intake_insert"},
    {"approval_service": "before_publish", "request_service": "after_pull"},
    {"approval_service": "after_publish", "request_service": "before_ack"},
    {"approval_service": "after_confirm", "request_service": "after_ack"},
)
"""The way of an event, and who is killed where on it; some at the same time."""

pytestmark = pytest.mark.timeout(300)


def test_chain_when_killed_at_each_crash_point_loses_nothing(arena: Arena, judged: Judged) -> None:
    with judged("crash points") as row:
        for services in CHAIN:
            arena.end_at(services)
            row.kills.update(list(services))
        arena.recovered()
    assert {point for services in CHAIN for point in services.values()} == set(POINTS)


def test_anything_when_killed_loses_nothing(arena: Arena, judged: Judged) -> None:
    with judged("kills") as row:
        for victims in (("portal_service", "notify_service"), (BROKER,), (DATABASE, "audit_service")):
            row.killed(arena.kill_and_recover(*victims, gap=0.5), *victims)


def test_command_when_sent_many_times_at_once_has_one_effect_and_one_answer(arena: Arena, judged: Judged) -> None:
    with judged("one key") as row:
        crowds.same_key(arena, row)


def test_handler_when_its_process_is_told_to_end_runs_once(arena: Arena, judged: Judged) -> None:
    with judged("SIGTERM") as row:
        stops.terminated_at_work(arena, row, seconds=4.0)


def test_services_when_their_clocks_jump_an_hour_go_on(arena: Arena, judged: Judged) -> None:
    with judged("clocks") as row:
        stops.clocks_jump(arena, row)


def test_oracle_when_the_outbox_is_switched_off_sees_the_loss(arena: Arena, judged: Judged) -> None:
    with judged("without outbox", control="lost", quiet_within=5) as row:
        faults.without_outbox(arena, row)


def test_oracle_when_the_dedupe_is_switched_off_sees_the_double(arena: Arena, judged: Judged) -> None:
    with judged("without dedupe", control="doubled", quiet_within=5) as row:
        faults.without_dedupe(arena, row)
    faults.mend_record(arena)
