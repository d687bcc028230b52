"""Sentences about events: one function for each kind of fact, in a module for each room of the contracts."""

from portal_service.web.wording.line import Sentences
from portal_service.web.wording.sentences import access, alert, approval, grant, keys, member, ops, policy, request

SENTENCES: Sentences = {
    **request.SENTENCES,
    **approval.SENTENCES,
    **grant.SENTENCES,
    **access.SENTENCES,
    **policy.SENTENCES,
    **alert.SENTENCES,
    **member.SENTENCES,
    **keys.SENTENCES,
    **ops.SENTENCES,
}
