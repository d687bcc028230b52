"""Images: each has an exact version, and the stand-ins of the test have the same."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
STAND_INS = ROOT / "tests" / "compose" / "stand-ins"
OWN = "lockbox:"
EXACT = re.compile(r"[\w/]+:v?\d+\.\d+\.\d+(-slim-bookworm)?")


def images() -> set[str]:
    services = {service["image"] for service in COMPOSE["services"].values() if not service["image"].startswith(OWN)}
    return services | set(re.findall(r"^FROM (\S+:\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))


def test_images_when_named_have_an_exact_version_and_no_management() -> None:
    assert len(images()) == 4
    assert [image for image in images() if not EXACT.fullmatch(image)] == []


def test_stand_ins_when_built_have_the_names_of_the_images() -> None:
    document: dict[str, Any] = yaml.safe_load((STAND_INS / "compose.yml").read_text())
    assert {service["image"].removeprefix("stand-in/") for service in document["services"].values()} == images()
    for path in STAND_INS.glob("*/Dockerfile"):
        bases = set(re.findall(r"^FROM (\S+:\S+)", path.read_text(), re.MULTILINE))
        assert {base for base in bases if not base.startswith("stand-in/")} <= images(), path


def test_services_when_started_by_default_leave_out_the_demo() -> None:
    demo = {name for name, service in COMPOSE["services"].items() if "demo" in service.get("profiles", ())}
    assert demo == {"content_service", "mailpit"}
    needed = {other for service in COMPOSE["services"].values() for other in service.get("depends_on", ())}
    assert demo & needed == set()
