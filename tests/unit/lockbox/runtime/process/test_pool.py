import structlog

from lockbox.runtime.process.pool import spread


def test_spread_when_one_fails_does_the_others() -> None:
    done: list[int] = []

    def work(thing: int) -> None:
        if thing == 7:
            raise RuntimeError("not this one")
        done.append(thing)

    spread(work, range(100))
    assert sorted(done) == [thing for thing in range(100) if thing != 7]


def test_spread_when_many_fail_logs_each_kind_once_and_the_counts() -> None:
    def work(thing: int) -> None:
        raise (ValueError if thing % 2 else KeyError)(thing)

    with structlog.testing.capture_logs() as lines:
        spread(work, range(1000))
    assert [line["event"] for line in lines] == ["one_failed", "one_failed", "some_failed"]
    assert (lines[-1]["ValueError"], lines[-1]["KeyError"]) == (500, 500)
