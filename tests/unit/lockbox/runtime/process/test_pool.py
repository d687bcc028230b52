from lockbox.runtime.process.pool import spread


def test_spread_when_one_fails_does_the_others() -> None:
    done: list[int] = []

    def work(thing: int) -> None:
        if thing == 7:
            raise RuntimeError("not this one")
        done.append(thing)

    spread(work, range(100))
    assert sorted(done) == [thing for thing in range(100) if thing != 7]
