"""Routes of requests that do more than send one message."""

from collections.abc import Mapping
from typing import get_args

from flask import url_for

from lockbox.contracts.approval.operations import ListQueue
from lockbox.contracts.registry import Operation
from lockbox.contracts.request.operations import CreateRequest, GetRequest
from lockbox.contracts.request.views import RequestView
from portal_service.api.special import Special, send_uncached
from portal_service.edge import edge
from portal_service.usecases import OnRequest, RequestDetails


def create_request(message: CreateRequest) -> tuple[RequestView, dict[str, str]]:
    """Create a request, and name its address in the header `Location`."""
    view = edge().call(message)
    return view, {"Location": url_for("requests.get_request", request_id=view.id)}


def get_request(message: GetRequest) -> RequestDetails:
    """Read a request with its outcome, from the two services that have them."""
    return edge().read_request(message.request_id)


def act_on_request(message: OnRequest) -> object:
    """Act on a request; wait for one that was created a moment ago."""
    return edge().act_on_request(message)


SPECIAL: Mapping[Operation, Special] = {
    CreateRequest: Special(respond=create_request),
    GetRequest: Special(respond=get_request, answer=RequestDetails),
    ListQueue: Special(respond=send_uncached),
    **{operation: Special(respond=act_on_request) for operation in get_args(OnRequest)},
}
