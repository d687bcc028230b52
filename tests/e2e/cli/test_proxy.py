"""`lockbox proxy`, with a real browser: it reads with the engineer's grant, and nobody else gets through."""

import signal
import subprocess
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import BrowserContext
from tests.e2e.cli.commands import COMMAND, Environment, Lockbox, granted
from tests.people import People

LETTER = "From: bank@example.org"


@pytest.fixture
def proxy(lockbox: Lockbox, environment: Environment, people: People, asked: str) -> Iterator[str]:
    """The address that it prints; it ends by itself when it is interrupted."""
    grant = granted(lockbox, asked)
    command = [COMMAND, "proxy", grant, people.content]
    with subprocess.Popen(command, env=environment("engineer"), stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        address, said = running.stdout.readline().split(" ", 1)
        assert said == f"leads to {people.content} with your grant, until Ctrl-C.\n"
        try:
            yield address
            running.send_signal(signal.SIGINT)
            assert running.communicate(timeout=30)[0] == "Ended.\n"
        finally:
            running.kill()
    assert running.returncode == 0


def test_browser_when_at_the_address_reads_what_the_grant_names(proxy: str, context: BrowserContext) -> None:
    page = context.new_page()
    read = page.goto(f"{proxy}documents/contoso/mailbox/alice")
    assert read is not None
    assert (read.status, LETTER in read.text()) == (200, True)
    refused = page.goto(f"{proxy}documents/contoso/mailbox/bob")
    assert refused is not None
    assert (refused.status, refused.headers["lockbox-reason"]) == (403, "other_resource")


def test_browser_when_another_site_sends_it_there_reads_nothing(proxy: str, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("data:text/html,another site")
    with page.expect_response(f"{proxy}**") as sent:
        page.evaluate("address => { location = address }", f"{proxy}documents/contoso/mailbox/alice")
    assert sent.value.status == 403
    assert LETTER not in sent.value.text()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_others_on_this_computer_when_they_do_not_know_the_address_read_nothing(proxy: str, host: str) -> None:
    answer = httpx.get(f"http://{host}:{urlsplit(proxy).port}/documents/contoso/mailbox/alice")
    assert (answer.status_code, LETTER in answer.text) == (421, False)


def test_other_programs_when_they_know_the_address_read_what_the_grant_names(proxy: str) -> None:
    address = f"{proxy}documents/contoso/mailbox/alice"
    assert subprocess.run(["curl", "-sS", address], capture_output=True, text=True, check=True).stdout.startswith(
        LETTER
    )
