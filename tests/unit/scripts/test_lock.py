"""Lock files of the image: every package that it needs, at the version of constraints.txt, and no other."""

import re
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from scripts.lock import LOCKS, MACHINES, PYTHON, ROOT, Lock, hashes, platforms, text

CONSTRAINTS = dict(
    (canonicalize_name(name), version)
    for name, version in re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
)
IMAGE: dict[str, str] = {"python_version": ".".join(map(str, PYTHON)), "sys_platform": "linux"}


def locked(lock: Lock) -> dict[str, str]:
    found = re.findall(r"^([\w-]+)==([\w.]+) \\$", lock.path.read_text(), re.MULTILINE)
    return dict(found)


def needed(requirements: tuple[str, ...], machine: str) -> set[str]:
    """The packages that these requirements need on a machine, by the metadata of what is installed here."""
    todo, seen = [Requirement(each) for each in requirements], set[tuple[str, str]]()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                todo += dependencies(name, {**IMAGE, "platform_machine": machine, "extra": extra})
    return {name for name, _ in seen}


def dependencies(name: str, environment: dict[str, str]) -> Iterator[Requirement]:
    for line in requires(name) or ():
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            yield requirement


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.path.name)
def test_lock_when_the_image_needs_a_package_has_it_and_no_other(lock: Lock, machine: str) -> None:
    assert locked(lock).keys() == needed(lock.requirements, machine), "run: make lock"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.path.name)
def test_lock_when_read_has_the_versions_of_constraints(lock: Lock) -> None:
    found = locked(lock)
    assert found == {name: CONSTRAINTS.get(name) for name in found}, "run: make lock"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.path.name)
def test_lock_when_read_has_hashes_and_nothing_that_pip_would_take_as_an_option(lock: Lock) -> None:
    pinned = r"[\w-]+==[\w.]+( \\\n    --hash=sha256:[0-9a-f]{64})+\n"
    assert re.fullmatch(rf"# [^\n]*\n({pinned})+", lock.path.read_text())


def test_dockerfile_when_it_installs_takes_hashes_or_files_of_its_own_alone() -> None:
    commands = re.findall(r"pip (?:install|wheel|download)[^&\n]*(?:\\\n[^&\n]*)*", (ROOT / "Dockerfile").read_text())
    assert len(commands) == 4
    assert [each for each in commands if not {"--require-hashes", "--no-index"} & set(each.split())] == []


def test_hashes_when_machines_have_other_wheels_are_all_there() -> None:
    entries = [entry("Flask", "3.1.3", "aa"), entry("Flask", "3.1.3", "aa"), entry("orjson", "3.13", "cc")]
    found = hashes([*entries, entry("orjson", "3.13", "bb")])
    assert text(found).splitlines()[1:] == [
        "flask==3.1.3 \\",
        "    --hash=sha256:aa",
        "orjson==3.13 \\",
        "    --hash=sha256:bb \\",
        "    --hash=sha256:cc",
    ]


def entry(name: str, version: str, digest: str) -> dict[str, object]:
    return {
        "metadata": {"name": name, "version": version},
        "download_info": {"archive_info": {"hashes": {"sha256": digest}}},
    }


def test_platforms_when_listed_begin_with_the_newest_glibc_of_the_image() -> None:
    tags = list(platforms("aarch64"))
    assert tags[0] == "manylinux_2_36_aarch64"
    assert tags.index("manylinux_2_17_aarch64") + 1 == tags.index("manylinux2014_aarch64")
    assert Path(ROOT / "Dockerfile").read_text().count("-slim-bookworm") == 1, "GLIBC is that of Debian 12"
