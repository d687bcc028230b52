import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from tests.unit.lockbox.guard.children import child
from tests.unit.lockbox.guard.clocks import MovableClock
from tests.unit.lockbox.guard.grants import SOON, decide
from tests.unit.lockbox.guard.stand_in import (
    RECORD_SOME,
    Behaviour,
    Handler,
    StandIn,
    answers,
    hang,
    portal_of,
)
from tests.unit.lockbox.guard.stand_in import record_some as usual
from tests.waiting import eventually

from lockbox.guard import spool as spool_module
from lockbox.guard.portal import PortalClient
from lockbox.guard.records import Record, record_of
from lockbox.guard.spool import Spool

MakeSpool = Callable[..., Spool]


@pytest.fixture
def portal() -> Iterator[StandIn]:
    with portal_of() as portal:
        yield portal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def make(portal: StandIn, folder: Path) -> Iterator[MakeSpool]:
    """A spool, sending unless the test says otherwise."""
    spools: list[tuple[Spool, PortalClient]] = []

    def make_one(*, sends: bool = True, **options: Any) -> Spool:
        client = PortalClient(portal.url, timeout=0.2)
        spool = Spool(client, folder, MovableClock(), **options)
        spools.append((spool, client))
        if sends:
            spool.start()
        return spool

    yield make_one
    portal.released.set()
    portal.behaviours.clear()
    for spool, client in spools:
        spool.stop()
        client.close()


def attempt(**changes: Any) -> dict[str, Any]:
    return dict(record_of(decide(), SOON)) | changes


def kept(spool: Spool, records: list[dict[str, Any]]) -> set[str]:
    for record in records:
        assert spool.record(record)
    return {record["access_id"] for record in records}


def files(folder: Path) -> list[Path]:
    return list(folder.glob("*.spool"))


def put_aside(folder: Path) -> list[dict[str, Any]]:
    path = folder / "refused.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


# --- the way of an attempt -----------------------------------------------------------------------------------------


def test_spool_when_the_portal_takes_them_sends_each_and_keeps_none(
    make: MakeSpool, portal: StandIn, folder: Path
) -> None:
    spool, records = make(), [attempt() for _ in range(500)]
    ids = kept(spool, records)
    eventually(lambda: portal.ids == ids)
    eventually(lambda: files(folder) == [] and spool.waiting == 0)
    assert sorted(portal.records, key=str) == sorted(records, key=str)


def test_record_when_it_returns_has_the_attempt_on_disk_for_its_owner_alone(make: MakeSpool, folder: Path) -> None:
    spool, record = make(sends=False, sync=True), attempt(resource='m\u00fcll/"\u2028\U0001f512\\')
    assert spool.record(record)
    [path] = files(folder)
    assert json.loads(path.read_text()) == record
    assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
    assert spool.waiting == path.stat().st_size


def test_spool_when_asked_by_many_threads_loses_none(make: MakeSpool, portal: StandIn) -> None:
    spool, records = make(), [[attempt() for _ in range(200)] for _ in range(8)]
    threads = [threading.Thread(target=kept, args=(spool, some)) for some in records]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: portal.ids == {record["access_id"] for some in records for record in some})


# --- a portal that does not take them ------------------------------------------------------------------------------

NOT_TAKEN: dict[str, Behaviour] = {
    "hangs": hang,
    "503": answers(503),
    "401": answers(401),
    "400": answers(400),
    "moved": answers(302, Location="https://evil.example/"),
    "html": answers(200, b"<h1>Welcome to the hotel's WiFi</h1>"),
    "empty": answers(200),
    "null": answers(200, b"null"),
    "nobody knows whether": answers(200, b"{}"),
    "refuses nonsense": answers(200, b'{"refused": [7]}'),
    "cut": answers(200, b'{"refused": []', **{"Content-Length": "100"}),
}


@pytest.mark.parametrize("behaviour", NOT_TAKEN.values(), ids=NOT_TAKEN)
def test_spool_when_the_portal_does_not_say_that_it_took_them_tries_again(
    make: MakeSpool, portal: StandIn, folder: Path, behaviour: Behaviour
) -> None:
    portal.behaviours[RECORD_SOME] = behaviour
    spool = make()
    ids = kept(spool, [attempt() for _ in range(5)])
    eventually(lambda: len(portal.asked(RECORD_SOME)) > 1)
    assert files(folder)
    portal.behaviours[RECORD_SOME] = usual
    eventually(lambda: portal.ids == ids and not files(folder))
    assert put_aside(folder) == []


def test_spool_when_the_portal_is_gone_for_long_keeps_few_files_and_sends_them_when_it_is_back(
    make: MakeSpool, portal: StandIn, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = make()
    portal.down()
    ids: set[str] = set()
    eventually(lambda: ids.update(kept(spool, [attempt()])) or len(caplog.records) > 20)
    assert len(files(folder)) <= 3
    portal.up()
    eventually(lambda: portal.ids == ids and not files(folder))


def test_spool_when_it_is_full_takes_no_more_until_some_are_sent(make: MakeSpool, portal: StandIn) -> None:
    portal.behaviours[RECORD_SOME] = answers(503)
    spool = make(largest=5_000)
    taken = [record["access_id"] for record in [attempt() for _ in range(50)] if spool.record(record)]
    assert 5 < len(taken) < 20
    assert spool.waiting <= 5_000
    assert not spool.record(attempt())
    del portal.behaviours[RECORD_SOME]
    eventually(lambda: spool.record(attempt()))
    eventually(lambda: portal.ids >= set(taken))


def test_spool_when_the_portal_refuses_some_puts_them_aside_for_good(
    make: MakeSpool, portal: StandIn, folder: Path
) -> None:
    portal.refuses["nobody"] = "tenant_unknown"
    refused, taken = [attempt(tenant="nobody", allowed=False) for _ in range(3)], [attempt() for _ in range(400)]
    spool = make(sends=False)
    kept(spool, [*taken[:200], *refused, *taken[200:]])
    spool.start()
    eventually(lambda: not files(folder))
    assert portal.ids == {record["access_id"] for record in taken}
    assert [one["attempt"] for one in put_aside(folder)] == refused
    assert {one["why"] for one in put_aside(folder)} == {"tenant_unknown: never"}


def takes_none_together_with(bad: Callable[[dict[str, Any]], bool], status: int) -> Behaviour:
    """A portal that looks at all of a batch, and refuses it whole."""

    def behave(handler: Handler) -> None:
        attempts = json.loads(handler.body)["attempts"]
        if any(map(bad, attempts)):
            handler.say({"code": "invalid_attempts"}, status)
        else:
            usual(handler)

    return behave


def test_spool_when_one_attempt_is_none_for_the_portal_finds_it_and_sends_the_others(
    make: MakeSpool, portal: StandIn, folder: Path
) -> None:
    portal.behaviours[RECORD_SOME] = takes_none_together_with(lambda one: one["resource"] == "bad", 422)
    bad, good = [attempt(resource="bad", allowed=False) for _ in range(3)], [attempt() for _ in range(200)]
    spool = make(sends=False)
    kept(spool, [bad[0], *good[:77], bad[1], *good[77:], bad[2]])
    spool.start()
    eventually(lambda: not files(folder))
    assert portal.ids == {record["access_id"] for record in good}
    assert len(portal.records) == len(good), "each was sent once"
    assert sorted(one["attempt"]["access_id"] for one in put_aside(folder)) == sorted(one["access_id"] for one in bad)


def test_spool_when_a_batch_is_too_large_for_the_portal_sends_smaller_ones(
    make: MakeSpool, portal: StandIn, folder: Path
) -> None:
    def takes_ten(handler: Handler) -> None:
        usual(handler) if len(json.loads(handler.body)["attempts"]) <= 10 else handler.say({}, 413)

    portal.behaviours[RECORD_SOME] = takes_ten
    spool = make()
    ids = kept(spool, [attempt() for _ in range(100)])
    eventually(lambda: portal.ids == ids and not files(folder))
    assert put_aside(folder) == []


def test_spool_when_everybody_makes_it_refuse_keeps_so_many_denials_and_each_yes(
    make: MakeSpool, portal: StandIn, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "FILE_BYTES", 5_000)
    portal.refuses["nobody"] = "tenant_unknown"
    spool = make()
    kept(spool, [attempt(tenant="nobody", allowed=False) for _ in range(100)])
    eventually(lambda: not files(folder))
    assert (folder / "refused.jsonl").stat().st_size < 6_000
    allowed = kept(spool, [attempt(tenant="nobody") for _ in range(10)])
    eventually(lambda: not files(folder))
    assert allowed <= {one["attempt"]["access_id"] for one in put_aside(folder)}


# --- disks ---------------------------------------------------------------------------------------------------------


def test_spool_when_a_line_is_corrupt_puts_it_aside_and_sends_the_others(
    make: MakeSpool, portal: StandIn, folder: Path
) -> None:
    good = [attempt() for _ in range(3)]
    folder.mkdir()
    nonsense = [b"\xff\xfe\x00", b"{", b"[]", b"null", b'{"access_id": 7}', b""]
    lines = [json.dumps(one).encode() for one in good]
    (folder / "x.spool").write_bytes(b"\n".join([lines[0], *nonsense, *lines[1:], lines[0][:40]]))
    make()
    eventually(lambda: not files(folder))
    assert portal.records == good
    assert [one["attempt"]["line"] for one in put_aside(folder)] == list(map(repr, nonsense))


def test_spool_when_something_else_has_the_name_of_a_file_sends_the_others(
    make: MakeSpool, portal: StandIn, folder: Path
) -> None:
    (folder / "a.spool").mkdir(parents=True)
    ids = kept(make(), [attempt()])
    eventually(lambda: portal.ids == ids)


def test_record_when_its_folder_is_gone_says_no(make: MakeSpool, folder: Path) -> None:
    spool = make(sends=False)
    folder.rmdir()
    assert not spool.record(attempt())
    folder.mkdir()
    assert spool.record(attempt())


@pytest.fixture
def tiny_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", folder], check=False)
    if mounted.returncode != 0:
        pytest.skip("only root can mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_record_when_the_disk_is_full_says_no_and_leaves_whole_lines(
    tiny_disk: Path, make: MakeSpool, portal: StandIn
) -> None:
    spool, taken = make(sends=False), []
    while spool.record(record := attempt()):
        taken.append(record)
    assert 10 < len(taken) < 60
    [path] = files(tiny_disk)
    assert [json.loads(line) for line in path.read_text().splitlines()] == taken
    assert not spool.record(attempt())
    spool.start()
    eventually(lambda: portal.records == taken)
    eventually(lambda: spool.record(attempt()))


def test_record_when_a_file_can_grow_no_more_says_no_and_leaves_whole_lines(portal: StandIn, folder: Path) -> None:
    with child("fill_the_disk", portal.url, folder, 10_000) as process:
        taken = process.communicate()[0].split()
    assert len(taken) > 10
    [path] = files(folder)
    assert [json.loads(line)["access_id"] for line in path.read_text().splitlines()] == taken


# --- processes -----------------------------------------------------------------------------------------------------


def test_spool_when_processes_are_killed_while_they_write_has_each_attempt_sent_by_another(
    make: MakeSpool, portal: StandIn, folder: Path
) -> None:
    portal.behaviours[RECORD_SOME] = flaky()
    written: set[str] = set()
    for many in (1, 10, 250, 1_000):
        with child("write_forever", portal.url, folder) as process:
            assert process.stdout is not None
            written.update(line.strip() for line in islice(process.stdout, many))
            process.kill()
            written.update(line.strip() for line in process.stdout if line.endswith("\n"))
    make()
    eventually(lambda: portal.ids >= written and not files(folder))
    assert len(written) >= 1_261


def flaky() -> Behaviour:
    """A portal that takes what it is sent and does not say so, every other time."""
    calls = iter(range(10**9))

    def behave(handler: Handler) -> None:
        if next(calls) % 2:
            usual(handler)
        else:
            handler.portal.records.extend(json.loads(handler.body)["attempts"])
            handler.say({}, 503)

    return behave


def test_spool_when_processes_share_a_folder_sends_what_each_has_written(
    make: MakeSpool, portal: StandIn, folder: Path
) -> None:
    with child("write_some", portal.url, folder, 400) as one, child("write_some", portal.url, folder, 400) as other:
        ids = kept(make(), [attempt() for _ in range(400)])
        for process in (one, other):
            ids.update(process.communicate()[0].split())
    assert len(ids) == 1_200
    eventually(lambda: portal.ids == ids and not files(folder))


def test_spool_when_another_process_holds_a_file_leaves_it_and_counts_it(
    make: MakeSpool, portal: StandIn, folder: Path
) -> None:
    with child("hold", portal.url, folder) as process:
        assert process.stdout is not None
        theirs = process.stdout.readline().strip()
        spool = make()
        ours = kept(spool, [attempt()])
        eventually(lambda: portal.ids == ours)
        [path] = eventually(lambda: files(folder) if len(files(folder)) == 1 else None)
        assert eventually(lambda: spool.waiting == path.stat().st_size)
        process.kill()
    eventually(lambda: theirs in portal.ids)


# --- the end -------------------------------------------------------------------------------------------------------


def test_stop_when_called_has_everything_sent(make: MakeSpool, portal: StandIn, folder: Path) -> None:
    spool = make()
    ids = kept(spool, [attempt() for _ in range(1_000)])
    spool.stop()
    assert portal.ids == ids
    assert files(folder) == []


def test_stop_when_the_portal_is_gone_leaves_what_waits_to_whoever_comes_next(
    make: MakeSpool, portal: StandIn, folder: Path
) -> None:
    spool = make()
    portal.down()
    ids = kept(spool, [attempt() for _ in range(10)])
    started = time.monotonic()
    spool.stop()
    assert time.monotonic() - started < 5
    assert files(folder)
    ids |= kept(spool, [attempt()])
    portal.up()
    spool.release()
    make()
    eventually(lambda: portal.ids == ids and not files(folder))


def test_stop_when_the_portal_is_too_slow_does_not_wait_for_ever(
    make: MakeSpool, portal: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool_module, "STOP_SECONDS", 0.1)
    portal.behaviours[RECORD_SOME] = hang
    spool = make()
    kept(spool, [attempt()])
    eventually(lambda: portal.asked(RECORD_SOME))
    started = time.monotonic()
    spool.stop()
    assert time.monotonic() - started < 0.4


@pytest.mark.filterwarnings("ignore:Using fork:DeprecationWarning")  # eventlet's, which other tests use in this process
def test_release_when_forked_holds_no_file_of_the_parent(make: MakeSpool, portal: StandIn, folder: Path) -> None:
    """A lock that a child inherits would keep the parent from ever sending the file."""
    spool = make(sends=False)
    ids = kept(spool, [attempt()])
    go, told = os.pipe()
    if (process := os.fork()) == 0:
        spool.release()
        os.close(told)
        os.read(go, 1)
        os._exit(0)
    os.close(go)
    spool.start()
    eventually(lambda: portal.ids == ids)
    os.close(told)
    assert os.waitpid(process, 0)[1] == 0


def test_record_when_taken_is_the_same_as_what_was_given(make: MakeSpool, portal: StandIn) -> None:
    record: Record = attempt(resource="\U0001f512/\u0000\x85\u2028")
    assert make().record(record)
    eventually(lambda: portal.records == [record])
