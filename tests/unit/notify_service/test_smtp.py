import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest
from tests.unit.builders import EVENT_ID, REQUEST_ID
from tests.unit.notify_service.domain.test_alert import OPENED

from notify_service.domain.delivery import Delivery
from notify_service.domain.digest import digest_of
from notify_service.domain.email import alert_for
from notify_service.settings import NotifySettings
from notify_service.smtp import compose

SETTINGS = NotifySettings("https://lockbox.example", "lockbox@vendor.example", "smtp.example", 25)
LINK = f"https://lockbox.example/requests/{REQUEST_ID}"
GUIDE = "https://lockbox.example/help/approvers"
HOSTILE = '<script>alert(1)</script><a href="https://evil.example">"click"</a> & \'more\' {{ 7 * 7 }}'


def delivery(**changes: Any) -> Delivery:
    alert = alert_for(replace(OPENED, **changes))
    assert alert is not None
    return Delivery.of(EVENT_ID, alert, "alice@contoso.example")


def parsed(made: Delivery) -> EmailMessage:
    message = message_from_bytes(compose(made, SETTINGS).as_bytes(policy=policy.SMTP), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    content: str = body.get_content()
    return content


class Reader(HTMLParser):
    """What a browser would make of a page: its tags, its links and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(page)

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "action", "background"}]

    def handle_data(self, data: str) -> None:
        self.words += [data.strip()] if data.strip() else []


# --- headers -------------------------------------------------------------------------------------------------------


def test_compose_when_urgent_is_of_high_importance() -> None:
    message = parsed(delivery())
    assert message["Importance"] == "high"
    assert message["X-Priority"] == "1 (Highest)"
    assert message["Priority"] == "urgent"


def test_compose_when_not_urgent_is_of_ordinary_importance() -> None:
    message = parsed(replace(delivery(), urgent=False))
    assert not {"Importance", "X-Priority", "Priority"} & set(message.keys())


def test_compose_when_made_says_from_whom_to_whom_and_about_what() -> None:
    message = parsed(delivery())
    assert message["From"] == "lockbox@vendor.example"
    assert message["To"] == "alice@contoso.example"
    assert message["Subject"] == f"Customer Lockbox: decide on SR-359423 (request {REQUEST_ID})"
    assert message["Message-ID"] == delivery().message_id
    assert message["Auto-Submitted"] == "auto-generated"


def test_compose_when_made_again_has_the_same_id() -> None:
    assert parsed(delivery())["Message-ID"] == parsed(delivery())["Message-ID"]


@pytest.mark.parametrize("line", ["x\nBcc: evil@evil.example", "x\r\nBcc: evil@evil.example", "x\r\n\r\n<h1>body</h1>"])
@pytest.mark.parametrize("field", ["subject", "recipient"])
def test_compose_when_a_header_would_be_injected_refuses(field: str, line: str) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        compose(replace(delivery(), **{field: line}), SETTINGS)


@pytest.mark.parametrize("text", ["x\r\nBcc: evil@evil.example\r\n\r\nbody", "\n.\nMAIL FROM:<evil@evil.example>\n"])
def test_compose_when_the_justification_looks_like_headers_stays_in_the_body(text: str) -> None:
    message = parsed(delivery(justification=text))
    assert "Bcc" not in message
    assert [address.addr_spec for address in message["To"].addresses] == ["alice@contoso.example"]
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


def test_compose_when_the_subject_is_not_ascii_encodes_it() -> None:
    message = parsed(replace(delivery(), subject="Zugriff für Zürich: 東京"))
    assert message["Subject"] == "Zugriff für Zürich: 東京"


# --- text ----------------------------------------------------------------------------------------------------------


def test_compose_when_made_has_a_text_and_an_html_part() -> None:
    message = parsed(delivery())
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    "line",
    [
        "Service request: SR-359423",
        f"Request ID: {REQUEST_ID}",
        "Requestor: erin@vendor.example",
        "Reason: Customer initiated support (CUSTOMER_INITIATED_SUPPORT)",
        "Justification: Alice cannot open her mailbox.",
        "Create time: 2026-01-31 09:30:00 UTC",
        "Duration: 4 hours",
        "Expires: 2026-01-31 21:30:00 UTC",
    ],
)
def test_compose_when_made_holds_each_line_in_both_parts(line: str) -> None:
    message = parsed(delivery())
    assert line in part(message, "plain").splitlines()
    label, _, value = line.partition(": ")
    words = Reader(part(message, "html")).words
    assert words[words.index(label) + 1] == value


def test_compose_when_made_says_that_the_link_decides_nothing() -> None:
    message = parsed(delivery())
    for text in (part(message, "plain"), Reader(part(message, "html")).text):
        assert "This link decides nothing by itself" in text


def test_compose_when_text_is_not_ascii_keeps_it() -> None:
    message = parsed(delivery(justification="Zürich, Ελλάδα, 東京, עברית 👩‍👩‍👧"))
    assert "Justification: Zürich, Ελλάδα, 東京, עברית 👩‍👩‍👧" in part(message, "plain")
    assert "Zürich, Ελλάδα, 東京, עברית 👩‍👩‍👧" in part(message, "html")


def test_compose_when_text_is_very_long_keeps_it() -> None:
    message = parsed(delivery(justification="x" * 4000))
    assert "x" * 4000 in part(message, "plain")
    assert all(
        len(line) <= 998 for line in compose(delivery(justification="x" * 4000), SETTINGS).as_bytes().splitlines()
    )


# --- hostile text --------------------------------------------------------------------------------------------------


def test_compose_when_the_justification_is_hostile_shows_it_as_text() -> None:
    page = part(parsed(delivery(justification=HOSTILE)), "html")
    reader = Reader(page)
    assert HOSTILE in reader.words
    assert not {"script", "img", "iframe", "form", "input", "object"} & set(reader.tags)
    assert reader.links == [LINK, GUIDE]
    assert Reader(part(parsed(delivery()), "html")).tags == reader.tags


@pytest.mark.parametrize("field", ["subject", "introduction", "link_text"])
def test_compose_when_any_other_text_is_hostile_shows_it_as_text(field: str) -> None:
    reader = Reader(part(parsed(replace(delivery(), **{field: HOSTILE})), "html"))
    assert HOSTILE in reader.words
    assert reader.links == [LINK, GUIDE]


def test_compose_when_a_template_is_in_the_text_does_not_run_it() -> None:
    message = parsed(delivery(justification="{{ 7 * 7 }} {% raw %}"))
    for kind in ("plain", "html"):
        assert "{{ 7 * 7 }} {% raw %}" in part(message, kind)


def test_compose_when_made_leads_to_the_portal_and_nowhere_else() -> None:
    message = parsed(delivery())
    assert Reader(part(message, "html")).links == [LINK, GUIDE]
    assert re.findall(r"https?://\S+", part(message, "plain")) == [LINK, GUIDE]
    assert f"Review the request: {LINK}" in part(message, "plain").splitlines()


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\n\n", "\x85"])
def test_compose_when_the_justification_has_lines_they_cannot_pass_for_lockboxs_own(newline: str) -> None:
    forged = ["Fine.", "Duration: 1 minute", "Expires: never", "Review the request: https://evil.example/requests/1"]
    text = part(parsed(delivery(justification=newline.join(forged))), "plain")
    lines = text.splitlines()
    assert [line for line in lines if line.startswith("Duration:")] == ["Duration: 4 hours"]
    assert [line for line in lines if line.startswith("Expires:")] == ["Expires: 2026-01-31 21:30:00 UTC"]
    assert [line for line in lines if line.startswith("Review the request:")] == [f"Review the request: {LINK}"]
    assert "https://evil.example/requests/1" in text


# --- a digest ------------------------------------------------------------------------------------------------------


def test_compose_when_a_digest_links_each_request_in_both_parts() -> None:
    digest = digest_of(EVENT_ID, [delivery(), replace(delivery(justification=HOSTILE), subject=HOSTILE)])
    message = parsed(digest)
    assert message["Subject"] == "Customer Lockbox: 1 more request for your decision"
    assert message["Importance"] == "high"
    text, page = part(message, "plain"), Reader(part(message, "html"))
    assert f"- Decide on SR-359423 (request {REQUEST_ID}); Requestor: erin@vendor.example;" in text
    assert text.count(LINK) == page.links.count(LINK) == 2
    assert "https://lockbox.example/queue" in page.links
    assert "https://lockbox.example/queue" in text
    assert "script" not in page.tags
    assert not [link for link in page.links if link.startswith("https://evil")]
    assert "These links decide nothing by themselves" in page.text
