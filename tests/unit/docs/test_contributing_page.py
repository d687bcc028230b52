"""CONTRIBUTING.md: each file and command that it names exists, and each answer holds the line that was asked for."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
CODE = ("services", "shared", "clients", "deploy")
ANSWERS = dict(re.findall(r"^\| ([a-zA-Z ]+) \| `([\w/]+\.py)` \|$", PAGE, re.MULTILINE))
HOLDS = {
    "expire a request": r"RequestExpired\(",
    "retry tier": r"RETRY_SECONDS",
    "who may revoke": r"class RevokeGrant\([^)]*roles=\(",
    "email to an approver": r"def _approval_needed\(",
    "the page of one request": r"def show_request\(",
    "canonical JSON": r"def canonical\(",
    "start RabbitMQ for the demo": r"rabbitmq-server",
}


def test_answers_when_listed_are_those_to_all_questions() -> None:
    assert ANSWERS.keys() == HOLDS.keys()


@pytest.mark.parametrize("task", HOLDS)
def test_answer_when_opened_holds_the_line(task: str) -> None:
    assert re.search(HOLDS[task], (ROOT / ANSWERS[task]).read_text(), re.DOTALL), ANSWERS[task]


def test_paths_when_named_exist() -> None:
    named = re.findall(r"`((?:services|shared|clients|deploy|tests|docs|scripts)/[\w/.-]+)`", PAGE)
    assert len(named) > 15
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_links_when_followed_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!https:)([\w/.-]+)\)", PAGE)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_make_targets_when_named_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)", PAGE, re.MULTILINE)) | set(re.findall(r"`make ([a-z-]+)`", PAGE))
    assert named - targets == set()


def test_rooms_when_named_are_those_of_contracts_and_runtime() -> None:
    for sentence, folder in (("The contracts are in rooms", "contracts"), ("The runtime has a room", "runtime")):
        text = PAGE.partition(sentence)[2].partition(".\n")[0].partition(". In a room")[0].partition(". Nameko")[0]
        rooms = {path.parent.name for path in (ROOT / "shared" / "lockbox" / folder).glob("*/__init__.py")}
        assert set(re.findall(r"`(\w+)`", text)) == rooms, folder
