"""Who sees which documents, as a MongoDB filter: the same rule as `Caller.sees`, for lists."""

from lockbox.contracts.identity import CUSTOMER_ROLES, Caller, Role
from lockbox.runtime.storage.mongo import Document

NOTHING: Document = {"_id": {"$in": []}}


def visible_to(caller: Caller) -> Document:
    """A filter on `state.tenant` and `state.requester` that lets through what the caller may know of."""
    if not caller.is_vendor:
        return {"state.tenant": caller.organisation} if caller.has(*CUSTOMER_ROLES) else NOTHING
    return {} if caller.has(Role.VENDOR_APPROVER, Role.VENDOR_AUDITOR) else {"state.requester": caller.email}
