"""Calls of the REST API, and an edge that sends none of them on."""

from dataclasses import dataclass, field
from typing import Any

from tests.unit.builders import NOW

from lockbox.contracts.calls import Call
from lockbox.errors import Unavailable
from portal_service.domain.account import Account
from portal_service.usecases import Identity

VALUES = {
    "tenant": "contoso",
    "kid": "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    "queue": "notify_service.on_news.v1",
}
AN_ID = "123e4567-e89b-12d3-a456-426614174000"
ENGINEER = Account(email="erin@vendor.example", organisation="vendor", roles=("engineer",), password_hash=None)
BEARER = {"Authorization": "Bearer of-a-test"}


@dataclass
class Recorder:
    """An edge that notes each message and answers none."""

    sent: list[Any] = field(default_factory=list)
    key: str | None = VALUES["kid"]

    def identify(self, _token: str) -> Identity:
        return Identity(ENGINEER, NOW)

    def call(self, message: Call[Any], *_more: object) -> Any:
        self.sent.append(message)
        raise Unavailable("not_sent", "this is a test")

    call_as_portal = act_on_request = operate_all = read_request = call

    def operate(self, _service: str, message: Call[Any]) -> Any:
        self.call(message)

    def proven_key(self) -> str | None:
        return self.key


def address(path: str) -> str:
    for name in ("tenant", "kid", "queue", "grant_id", "request_id", "parked_id"):
        path = path.replace(f"{{{name}}}", VALUES.get(name, AN_ID))
    return path if path.startswith("/.well-known/") else f"/api/v1{path}"
