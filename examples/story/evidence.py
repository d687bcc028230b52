"""Evidence of the story beside the API: the mailbox, and MongoDB itself."""

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Protocol

import httpx
from pymongo import MongoClient


class Mail(Protocol):
    """Where messages arrive."""

    def messages(self) -> Iterator[EmailMessage]:
        """All messages so far."""


class MailFolder:
    """A folder with one message a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def messages(self) -> Iterator[EmailMessage]:
        """All messages so far."""
        for path in sorted(self._folder.glob("*.eml")):
            yield _parsed(path.read_bytes())


class Mailpit:
    """A Mailpit (https://mailpit.axllent.org/docs/api-v1/)."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=10)

    def messages(self) -> Iterator[EmailMessage]:
        """All messages so far."""
        listed = self._http.get("/api/v1/messages", params={"limit": 500}).raise_for_status().json()
        for summary in listed["messages"]:
            raw = self._http.get(f"/api/v1/message/{summary['ID']}/raw").raise_for_status()
            yield _parsed(raw.content)


def find_message(mail: Mail, recipient: str, text: str) -> EmailMessage | None:
    """Return the message to this recipient with this text in its subject."""
    for message in mail.messages():
        if message["To"] == recipient and text in message["Subject"]:
            return message
    return None


def plain_text(message: EmailMessage) -> str:
    """The text part of a message."""
    part = message.get_body(("plain",))
    return part.get_content() if part else ""


class Records:
    """The collection that audit_service keeps its records in, read past all services."""

    def __init__(self, uri: str, database: str) -> None:
        self._collection = MongoClient[dict[str, Any]](uri, serverSelectionTimeoutMS=10_000)[database]["records"]

    def of(self, tenant: str, since: str) -> list[dict[str, Any]]:
        """The documents of a tenant from a moment on, in order."""
        found = self._collection.find({"tenant": tenant, "time": {"$gte": since}})
        return list(found.sort([("time", 1), ("sequence", 1), ("_id", 1)]))


def _parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    if not isinstance(message, EmailMessage):
        raise TypeError("not a message of the modern policy")
    return message
