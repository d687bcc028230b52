#!/usr/local/bin/python3
"""A stand-in for Mailpit: takes any mail over SMTP and shows it through a part of Mailpit's HTTP API.

GET /api/v1/messages, DELETE /api/v1/messages, GET /api/v1/message/{ID}, GET /api/v1/message/{ID}/raw, GET /livez,
GET /readyz; `latest` is an ID. `mailpit readyz` is the health check. Shapes: https://mailpit.axllent.org/docs/api-v1/
"""

import hashlib
import json
import os
import re
import signal
import sys
import threading
import urllib.request
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses, make_msgid, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

SMTP_ADDRESS = os.environ.get("MP_SMTP_BIND_ADDR", "0.0.0.0:1025")
HTTP_ADDRESS = os.environ.get("MP_UI_BIND_ADDR", "0.0.0.0:8025")
MAX_MESSAGES = int(os.environ.get("MP_MAX_MESSAGES", "500"))
SNIPPET_LENGTH = 250

Json = dict[str, Any]


def host_and_port(address: str) -> tuple[str, int]:
    """Split `host:port`."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def addresses(mail: EmailMessage, header: str) -> list[Json]:
    """Return the addresses in all headers of that name."""
    pairs = getaddresses([str(value) for value in mail.get_all(header, [])])
    return [{"Name": name, "Address": address} for name, address in pairs if address]


def attachment(part_id: int, part: EmailMessage) -> Json:
    """Return Mailpit's description of an attachment."""
    content = part.get_payload(decode=True)
    content = content if isinstance(content, bytes) else b""
    return {
        "PartID": str(part_id),
        "FileName": part.get_filename() or "",
        "ContentType": part.get_content_type(),
        "ContentID": str(part.get("Content-ID", "")).strip("<>"),
        "Size": len(content),
        "Checksums": {name.upper(): hashlib.new(name, content).hexdigest() for name in ("md5", "sha1", "sha256")},
    }


@dataclass
class Message:
    """One mail as it arrived, and whether it was looked at."""

    raw: bytes
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:22])
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    read: bool = False

    @property
    def mail(self) -> EmailMessage:
        """Return the parsed mail."""
        return message_from_bytes(self.raw, policy=policy.default)

    def body(self, kind: str) -> str:
        """Return the `plain` or the `html` body, or an empty string."""
        part = self.mail.get_body((kind,))
        return part.get_content() if part else ""

    def head(self) -> Json:
        """Return what the summary and the whole message have in common."""
        mail = self.mail
        return {
            "ID": self.id,
            "MessageID": str(mail.get("Message-ID", "")).strip("<> "),
            "From": next(iter(addresses(mail, "From")), {"Name": str(mail.get("From", "")), "Address": ""}),
            "To": addresses(mail, "To"),
            "Cc": addresses(mail, "Cc"),
            "Bcc": addresses(mail, "Bcc"),
            "ReplyTo": addresses(mail, "Reply-To"),
            "Subject": str(mail.get("Subject", "")),
            "Username": "",
            "Tags": [],
            "Size": len(self.raw),
        }

    def summary(self) -> Json:
        """Return an entry of the list of messages."""
        text = self.body("plain") or re.sub(r"<[^>]+>", " ", self.body("html"))
        return self.head() | {
            "Read": self.read,
            "Created": self.created.isoformat(),
            "Attachments": len(list(self.mail.iter_attachments())),
            "Snippet": " ".join(text.split())[:SNIPPET_LENGTH],
        }

    def whole(self) -> Json:
        """Return the message with its bodies and attachments."""
        mail = self.mail
        parts = list(enumerate(mail.iter_attachments(), start=2))
        is_inline = [part.get_content_disposition() == "inline" or "Content-ID" in part for _, part in parts]
        return self.head() | {
            "ReturnPath": str(mail.get("Return-Path", "")).strip("<>"),
            "Date": (parsedate_to_datetime(str(mail["Date"])) if mail["Date"] else self.created).isoformat(),
            "Text": self.body("plain"),
            "HTML": self.body("html"),
            "ListUnsubscribe": {
                "Header": str(mail.get("List-Unsubscribe", "")),
                "Links": re.findall(r"<([^>]+)>", str(mail.get("List-Unsubscribe", ""))),
                "Errors": "",
                "HeaderPost": str(mail.get("List-Unsubscribe-Post", "")),
            },
            "Inline": [attachment(*part) for part, inline in zip(parts, is_inline, strict=True) if inline],
            "Attachments": [attachment(*part) for part, inline in zip(parts, is_inline, strict=True) if not inline],
        }


class Mailbox:
    """All messages, newest first."""

    def __init__(self) -> None:
        """Start empty."""
        self._messages: list[Message] = []
        self._lock = threading.Lock()

    def add(self, message: Message) -> None:
        """Put a message first, and drop the oldest beyond the limit."""
        with self._lock:
            self._messages = [message, *self._messages][:MAX_MESSAGES]

    def all(self) -> list[Message]:
        """Return a copy of the list."""
        with self._lock:
            return list(self._messages)

    def get(self, message_id: str) -> Message | None:
        """Return the message with that ID, or the newest for `latest`."""
        found = (message for message in self.all() if message_id in ("latest", message.id))
        return next(found, None)

    def delete(self, ids: list[str]) -> None:
        """Delete the messages named, or all if none is."""
        with self._lock:
            self._messages = [message for message in self._messages if ids and message.id not in ids]


class Receiver:
    """The SMTP side: adds the headers that Mailpit adds."""

    def __init__(self, mailbox: Mailbox) -> None:
        """Deliver to that mailbox."""
        self._mailbox = mailbox

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Accept the mail."""
        raw = envelope.original_content or b""
        mail = message_from_bytes(raw, policy=policy.default)
        named = {entry["Address"].lower() for header in ("To", "Cc", "Bcc") for entry in addresses(mail, header)}
        hidden = [address for address in envelope.rcpt_tos if address.lower() not in named]
        headers = [f"Return-Path: <{envelope.mail_from or ''}>"]
        headers += [f"Bcc: {', '.join(hidden)}"] if hidden else []
        headers += [] if mail["Message-ID"] else [f"Message-ID: {make_msgid(domain='mailpit')}"]
        self._mailbox.add(Message("".join(f"{line}\r\n" for line in headers).encode() + raw))
        return "250 2.0.0 Ok: queued"


class Api(BaseHTTPRequestHandler):
    """The HTTP side."""

    mailbox: ClassVar[Mailbox]
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with messages, one message, its source, or readiness."""
        url = urlsplit(self.path)
        message_path = re.fullmatch(r"/api/v1/message/([^/]+)(/raw)?", url.path)
        if url.path in ("/livez", "/readyz"):
            self._answer(200, b"", "text/plain")
        elif url.path == "/api/v1/messages":
            self._answer_json(self._list(parse_qs(url.query)))
        elif message_path and (message := self.mailbox.get(message_path[1])):
            self._answer_message(message, raw=bool(message_path[2]))
        else:
            self._answer(404, b"404 page not found", "text/plain")

    def do_DELETE(self) -> None:
        """Delete messages."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if urlsplit(self.path).path != "/api/v1/messages":
            self._answer(404, b"404 page not found", "text/plain")
            return
        self.mailbox.delete(json.loads(body or b"{}").get("IDs") or [])
        self._answer(200, b"ok", "text/plain")

    def _list(self, query: dict[str, list[str]]) -> Json:
        start, limit = int(query.get("start", ["0"])[0]), int(query.get("limit", ["50"])[0])
        messages = self.mailbox.all()
        unread = sum(not message.read for message in messages)
        page = [message.summary() for message in messages[start : start + limit]]
        return {
            "total": len(messages),
            "unread": unread,
            "count": len(page),
            "messages_count": len(messages),
            "messages_unread": unread,
            "start": start,
            "tags": [],
            "messages": page,
        }

    def _answer_message(self, message: Message, *, raw: bool) -> None:
        if raw:
            self._answer(200, message.raw, "text/plain; charset=utf-8")
        else:
            message.read = True
            self._answer_json(message.whole())

    def _answer_json(self, value: Json) -> None:
        self._answer(200, json.dumps(value).encode(), "application/json")

    def _answer(self, status: int, body: bytes, content_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Say nothing: the health check would fill the log."""


def serve() -> None:
    """Run both servers until the process is told to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as process 1 it would else be ignored
    mailbox = Api.mailbox = Mailbox()
    smtp_host, smtp_port = host_and_port(SMTP_ADDRESS)
    Controller(Receiver(mailbox), hostname=smtp_host, port=smtp_port, enable_SMTPUTF8=True).start()
    sys.stderr.write(f"stand-in for Mailpit: SMTP on {SMTP_ADDRESS}, HTTP on {HTTP_ADDRESS}\n")
    ThreadingHTTPServer(host_and_port(HTTP_ADDRESS), Api).serve_forever()


def check_ready() -> None:
    """Raise unless the HTTP side answers."""
    port = host_and_port(HTTP_ADDRESS)[1]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
        pass


if __name__ == "__main__":
    check_ready() if sys.argv[1:] == ["readyz"] else serve()
