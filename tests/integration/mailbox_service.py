"""A vendor's product of two Nameko services with stock Nameko, run by the tests as a process of its own.

`mailboxes` holds content and is guarded; engineers reach it over HTTP by way of `gateway`, or by calls of their own.
"""

import os
from typing import Any

from nameko.rpc import RpcProxy, rpc
from nameko.web.handlers import http
from werkzeug.wrappers import Request, Response

from lockbox.errors import Forbidden
from lockbox.guard.middleware import refusal_of
from lockbox.guard.nameko import Edge, Lockbox, guarded

NAME = os.environ["MAILBOXES"]
TEXT = "Dear {owner}, ..."


class Mailboxes:
    """Holds content."""

    name = NAME

    lockbox = Lockbox()
    archive: Any = RpcProxy(NAME)

    @rpc(expected_exceptions=Forbidden)
    @guarded("mailbox/{owner}", "read")
    def read(self, tenant: str, owner: str, folder: str = "inbox") -> str:
        """A mailbox."""
        return f"{TEXT.format(owner=owner)} in {folder}"

    @guarded("mailbox/{owner}", "write")
    @rpc(expected_exceptions=Forbidden)
    def write(self, tenant: str, owner: str) -> str:
        """A change."""
        return "written"

    @rpc(expected_exceptions=Forbidden)
    @guarded("mailbox/{owner}", "read")
    def read_archive(self, tenant: str, owner: str) -> str:
        """What needs two calls with the same grant."""
        return str(self.archive.read(tenant, owner, folder="archive"))

    @rpc(expected_exceptions=Forbidden)
    def who(self, tenant: str, owners: list[str]) -> list[str | None]:
        """Who reads them; asks for each."""
        return [self.lockbox.require(tenant, f"mailbox/{owner}", "read").engineer for owner in owners]

    @rpc
    def alive(self) -> str:
        """Everybody's."""
        return "alive"


class Gateway:
    """What engineers reach over HTTP."""

    name = f"{NAME}_gateway"

    edge = Edge()
    mailboxes: Any = RpcProxy(NAME)

    @http("GET,PUT", "/mailboxes/<tenant>/<owner>")
    def mailbox(self, request: Request, tenant: str, owner: str) -> Response:
        """Read or write a mailbox, or read its archive."""
        wanted = {"GET": "read", "PUT": "write"}[request.method]
        try:
            self.edge.hand_on(request)
            return Response(getattr(self.mailboxes, request.args.get("what", wanted))(tenant, owner))
        except Forbidden as error:
            refusal = refusal_of(error)
            return Response(refusal.body, refusal.status, refusal.headers)
