"""What the runtime rests on, and must not change unnoticed."""

from importlib.metadata import version

import pytest

from lockbox.runtime.storage.mongo import connect


@pytest.mark.parametrize(("package", "pinned"), [("nameko", "2.14.1"), ("pymongo", "4.15.5"), ("eventlet", "0.41.0")])
def test_package_when_installed_is_of_the_version_that_was_read(package: str, pinned: str) -> None:
    assert version(package) == pinned


def test_setuptools_when_installed_still_has_what_nameko_imports() -> None:
    assert int(version("setuptools").split(".")[0]) < 82


def test_write_when_acknowledged_is_in_the_journals_of_the_majority() -> None:
    with connect("mongodb://127.0.0.1:1", "tests") as client:
        assert client.write_concern.document == {"w": "majority", "j": True, "wtimeout": 6_000}
        assert client.read_concern.level == "majority"
        assert client.options.retry_writes
