"""A real Chromium for tests of the pages."""

import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.e2e.pages import COOKIE
from tests.people import TERMS, People

from lockbox.contracts.request.terms import PENDING

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

numbers = itertools.count(int(time.time()) % 1_000_000 * 1_000)


@pytest.fixture(scope="module", autouse=True)
def nothing_waiting(people: People) -> None:
    """What other tests left undecided is cancelled, as a queue shows only so much on its first page."""
    for engineer in (people.engineer, people.other_engineer, people.lead):
        for state in sorted(PENDING):
            for left in engineer.get("/requests", requester=engineer.email, state=state, limit=200)["items"]:
                engineer.post(f"/requests/{left['id']}/cancel")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of its own, in which nobody is signed in."""
    context = browser.new_context(locale="en-GB", timezone_id="America/New_York")
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def open_as(browser: Browser, people: People) -> Iterator[Callable[..., Page]]:
    """Opens a page signed in as somebody, in a browser of their own."""
    contexts: list[BrowserContext] = []

    def open_page(name: str, path: str = "/queue", **options: Any) -> Page:
        context = browser.new_context(locale="en-GB", **options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        context.add_cookies([{"name": COOKIE, "value": getattr(people, name).token, "url": people.portal}])
        page = context.new_page()
        page.goto(people.portal + path)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def browse(people: People) -> Iterator[Callable[[str], httpx.Client]]:
    """Signs a person in to the pages without a browser: a client that has the cookie and follows no redirect."""
    clients: list[httpx.Client] = []

    def client(name: str) -> httpx.Client:
        cookies = {COOKIE: getattr(people, name).token}
        clients.append(httpx.Client(base_url=people.portal, cookies=cookies, timeout=30))
        return clients[-1]

    yield client
    for one in clients:
        one.close()


@pytest.fixture
def ask(people: People) -> Callable[..., dict[str, Any]]:
    """Asks for access through the API, with a service request of its own."""

    def new_request(tenant: str = "contoso", **terms: Any) -> dict[str, Any]:
        body = {**TERMS, "tenant": tenant, "service_request": f"SR-{next(numbers)}", **terms}
        answer = people.engineer.post("/requests", body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    return new_request


@pytest.fixture
def approved(ask: Callable[..., dict[str, Any]], people: People) -> dict[str, Any]:
    """A request with a live grant."""
    asked = ask()
    people.vendor_approver.decide(asked["id"])
    return {**asked, "grant": people.contoso_approver.decide(asked["id"])["grant"]}
