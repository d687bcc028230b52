"""Starting, stopping and starting again, whatever was killed meanwhile."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
from tests.programs import running
from tests.waiting import eventually

from lockbox.embedded.plan import Plan
from lockbox.embedded.processes import started_here
from lockbox.embedded.stack import Stack
from lockbox.provision.environment import ENVIRONMENT, read_environment
from lockbox.provision.launch import nameko_command

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="lockbox-life-"))
    yield folder
    Stack(folder).down()
    shutil.rmtree(folder)


def sign_in(stack: Stack) -> int:
    import json

    account = json.loads(stack.accounts_file.read_text())["accounts"]["engineer"]
    return httpx.post(f"{stack.portal_url}/api/v1/session", json=account, timeout=30).status_code


def test_stack_when_killed_in_parts_comes_back(stack: Stack) -> None:
    before = running(stack.home)
    for program in ("supervisord", "rabbitmq", "portal_service"):
        before[program].kill()
    before["approval_service"].terminate()
    before["approval_service"].wait(timeout=60)
    before["mongodb"].kill()
    stack.up()
    assert sign_in(stack) == 200
    assert running(stack.home).keys() == before.keys()

    now = running(stack.home)
    stack.up()
    assert running(stack.home) == now, "a start of what runs already has nothing to do"

    now["approval_service"].kill()
    eventually(lambda: started_again(stack.home, now, "approval_service"))
    stack.up()


def test_stack_when_stopped_leaves_nothing_behind_and_others_alone(home: Path) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    stack = Stack(home, Plan(random_ports=True, services=()))
    try:
        stack.up()
        assert running(home).keys() == {"supervisord", "epmd", "rabbitmq", "mongodb", "mailbox"}
        running(home)["supervisord"].kill()
        stack.down()
        assert list(started_here(home)) == []
        assert bystander.poll() is None
        stack.down()
    finally:
        bystander.kill()
        bystander.wait()


def started_again(home: Path, before: dict[str, psutil.Process], program: str) -> bool:
    now = running(home).get(program)
    return now is not None and now.pid != before[program].pid


@pytest.mark.parametrize("absent", ["LOCKBOX_MONGO_URI", "LOCKBOX_AMQP_URI"])
def test_service_when_asked_to_stop_before_its_servers_are_there_ends_at_once(stack: Stack, absent: str) -> None:
    scheme = "mongodb" if "MONGO" in absent else "amqp"
    with socket.create_server(("127.0.0.1", 0)) as closed_soon, socket.create_server(("127.0.0.1", 0)) as health:
        nowhere = f"{scheme}://127.0.0.1:{closed_soon.getsockname()[1]}/"
        health_address = f"127.0.0.1:{health.getsockname()[1]}"
    environment = read_environment(stack.home / "services" / "request_service" / ENVIRONMENT)
    service = subprocess.Popen(
        nameko_command("request_service"),
        env={**os.environ, **environment, absent: nowhere, "LOCKBOX_HEALTH_ADDRESS": health_address},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: unready(f"http://{health_address}/readyz"))
        service.terminate()
        assert service.wait(timeout=30) == 0
    finally:
        service.kill()
        service.wait()


def unready(url: str) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(url, timeout=10).status_code == 503
    return False


def test_stack_when_rabbitmq_is_missing_says_what_to_do(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lockbox.embedded", "up", "--home", str(home)],
        env={**os.environ, "LOCKBOX_RABBITMQ_SERVER": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "apt-get install rabbitmq-server" in done.stderr
    assert "LOCKBOX_AMQP_URI" in done.stderr


def test_service_when_asked_to_stop_ends_well_and_is_started_again(stack: Stack) -> None:
    before = running(stack.home)
    log = stack.home / "log" / "request_service.log"
    written = log.stat().st_size
    before["request_service"].terminate()
    before["request_service"].wait(timeout=45)
    eventually(lambda: started_again(stack.home, before, "request_service"))
    stack.up()
    assert "Traceback" not in log.read_text()[written:]
    assert "exited: request_service (exit status 0" in (stack.home / "log" / "supervisord.log").read_text()
