"""A guard of requests that is ready."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.lockbox.guard.scene import ISSUER, Scene
from tests.unit.lockbox.guard.stand_in import portal_of


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with portal_of(ISSUER.jwk) as portal:
        scene = Scene(portal, tmp_path)
        yield scene.open()
        portal.released.set()  # the stream ends, and with it the thread of the guard
        scene.guard.stop()
