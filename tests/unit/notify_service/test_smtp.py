import re
import smtplib
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest
from tests.unit.builders import EVENT_ID, REQUEST_ID
from tests.unit.notify_service.domain.test_alert import OPENED

from lockbox.errors import Unavailable
from notify_service import smtp as mail
from notify_service.domain.delivery import Delivery
from notify_service.domain.email import alert_for
from notify_service.settings import Settings
from notify_service.smtp import Mailer, compose

SETTINGS = Settings("https://lockbox.example", "lockbox@vendor.example", "smtp.example", 25)
LINK = f"https://lockbox.example/requests/{REQUEST_ID}"
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
    assert reader.links == [LINK]
    assert Reader(part(parsed(delivery()), "html")).tags == reader.tags


@pytest.mark.parametrize("field", ["subject", "introduction", "link_text"])
def test_compose_when_any_other_text_is_hostile_shows_it_as_text(field: str) -> None:
    reader = Reader(part(parsed(replace(delivery(), **{field: HOSTILE})), "html"))
    assert HOSTILE in reader.words
    assert reader.links == [LINK]


def test_compose_when_a_template_is_in_the_text_does_not_run_it() -> None:
    message = parsed(delivery(justification="{{ 7 * 7 }} {% raw %}"))
    for kind in ("plain", "html"):
        assert "{{ 7 * 7 }} {% raw %}" in part(message, kind)


def test_compose_when_made_leads_to_the_portal_and_nowhere_else() -> None:
    message = parsed(delivery())
    assert Reader(part(message, "html")).links == [LINK]
    assert re.findall(r"https?://\S+", part(message, "plain")) == [LINK]
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


# --- sending -------------------------------------------------------------------------------------------------------


class FakeSmtp:
    """A mail server that takes everything, or fails where it is told to."""

    fails: Exception | None = None
    said: list[Any]

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self.said = FakeSmtp.said = [("connect", host, port, timeout > 0)]

    def __enter__(self) -> "FakeSmtp":
        return self

    def __exit__(self, *_error: object) -> None:
        self.said.append("quit")

    def starttls(self) -> None:
        self.said.append("starttls")

    def login(self, user: str, password: str) -> None:
        self.said.append(("login", user, password))

    def send_message(self, message: EmailMessage) -> None:
        if FakeSmtp.fails is not None:
            raise FakeSmtp.fails
        self.said.append(("send", message["To"]))


@pytest.fixture
def smtp(monkeypatch: pytest.MonkeyPatch) -> type[FakeSmtp]:
    monkeypatch.setattr(mail.smtplib, "SMTP", FakeSmtp)
    monkeypatch.setattr(FakeSmtp, "fails", None)
    return FakeSmtp


def mailer(**changes: Any) -> Mailer:
    given = {"portal_url": "https://lockbox.example", "mail_from": "lockbox@vendor.example"}
    return Mailer({"lockbox": {**given, "smtp_host": "smtp.example", "smtp_port": 2525, **changes}})


def test_send_when_the_server_takes_it_returns(smtp: type[FakeSmtp]) -> None:
    mailer().send(delivery())
    assert smtp.said == [("connect", "smtp.example", 2525, True), ("send", "alice@contoso.example"), "quit"]


def test_send_when_the_server_wants_it_signs_in_over_tls(smtp: type[FakeSmtp], tmp_path: Any) -> None:
    (tmp_path / "password").write_text("hunter2\n")
    settings = {"smtp_starttls": True, "smtp_user": "lockbox", "smtp_password_file": str(tmp_path / "password")}
    mailer(**settings).send(delivery())
    assert smtp.said[1:3] == ["starttls", ("login", "lockbox", "hunter2")]


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("refused"),
        TimeoutError("slow"),
        smtplib.SMTPServerDisconnected("gone"),
        smtplib.SMTPRecipientsRefused({"alice@contoso.example": (550, b"nobody")}),
        smtplib.SMTPNotSupportedError("SMTPUTF8"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_send_when_the_server_does_not_take_it_is_unavailable(smtp: type[FakeSmtp], error: Exception) -> None:
    smtp.fails = error
    with pytest.raises(Unavailable) as failed:
        mailer().send(delivery())
    assert failed.value.code == "mail_server_unavailable"
    assert type(error).__name__ in failed.value.message
