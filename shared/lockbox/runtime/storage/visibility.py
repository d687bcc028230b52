"""The sight of documents as a MongoDB filter: the same rule as `Caller.sees`, for lists."""

from lockbox.contracts.identity import Caller
from lockbox.runtime.storage.mongo import Document

NOTHING: Document = {"_id": {"$in": []}}


def visible_to(caller: Caller) -> Document:
    """Return a filter on `state.tenant` and `state.requester` for the documents that the caller may know of."""
    if not caller.is_vendor:
        return {"state.tenant": caller.organisation} if caller.sees_all else NOTHING
    return {} if caller.sees_all else {"state.requester": caller.email}
