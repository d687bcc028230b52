"""Recent reads: how long a value is used, and which are never kept."""

from dataclasses import dataclass, field

from lockbox.runtime.storage.recent import RecentReads


@dataclass
class Scene:
    """A clock, and values that are read by key; `reads` has the keys in their order."""

    now: float = 100.0
    values: dict[str, str] = field(default_factory=lambda: {"a": "first"})
    reads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.recent = RecentReads[str](0.2, lambda: self.now)

    def get(self, key: str = "a") -> str | None:
        return self.recent.get(key, self.read)

    def read(self, key: str) -> str | None:
        self.reads.append(key)
        return self.values.get(key)


def test_get_when_the_value_is_recent_shares_its_read_and_then_reads_again() -> None:
    scene = Scene()
    assert scene.get() == "first"
    scene.values["a"] = "second"
    scene.now += 0.199
    assert scene.get() == "first"
    scene.now += 0.001
    assert scene.get() == "second"
    assert scene.reads == ["a", "a"]


def test_get_when_the_read_took_long_counts_from_before_it() -> None:
    scene = Scene()

    def slowly(key: str) -> str | None:
        scene.now += 0.2
        return scene.read(key)

    assert scene.recent.get("a", slowly) == "first"
    scene.values["a"] = "second"
    assert scene.get() == "second"


def test_get_when_the_value_is_missing_reads_each_time() -> None:
    scene = Scene()
    assert (scene.get("b"), scene.get("b")) == (None, None)
    scene.values["b"] = "new"
    assert scene.get("b") == "new"
    scene.now += 1
    del scene.values["b"]
    assert scene.get("b") is None
    assert scene.reads == ["b"] * 4


def test_get_when_forgotten_reads_that_key_again() -> None:
    scene = Scene(values={"a": "first", "b": "other"})
    assert (scene.get("a"), scene.get("b")) == ("first", "other")
    scene.values |= {"a": "second", "b": "later"}
    scene.recent.forget("a")
    scene.recent.forget("unknown")
    assert (scene.get("a"), scene.get("b")) == ("second", "other")
