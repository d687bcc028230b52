"""`/docs`: the reference of the API, in a browser, with files of the portal alone."""

from urllib.parse import urlsplit

import httpx
from playwright.sync_api import BrowserContext, expect
from tests.people import People


def test_reference_when_opened_shows_each_route_without_a_foreign_file_and_sends_nothing(
    context: BrowserContext, people: People
) -> None:
    page = context.new_page()
    complaints: list[str] = []
    hosts: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.goto(people.portal + "/docs")
    document = httpx.get(people.portal + "/openapi.json").json()
    routes = sum(method != "parameters" for item in document["paths"].values() for method in item)
    expect(page.locator(".opblock")).to_have_count(routes, timeout=30_000)
    page.get_by_role("button", name="post /api/v1/requests", exact=True).click()
    expect(page.get_by_text('"SR-359423"').first).to_be_visible()
    assert (complaints, hosts) == ([], {urlsplit(people.portal).netloc})
    assert page.get_by_role("button", name="Authorize").count() == 0
    assert page.get_by_role("button", name="Try it out").count() == 0


def test_asset_when_it_is_none_of_the_reference_is_not_found(people: People) -> None:
    policy = httpx.get(people.portal + "/docs").headers["Content-Security-Policy"]
    assert "script-src 'self'; style-src 'self';" in policy
    assert httpx.get(people.portal + "/docs/swagger-ui.css").status_code == 200
    for name in ("oauth2-redirect.html", "..%2fflask_swagger_ui.py", "unknown.js"):
        assert httpx.get(f"{people.portal}/docs/{name}").status_code == 404
