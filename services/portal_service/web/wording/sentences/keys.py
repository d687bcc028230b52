"""Sentences about the keys that grants are signed with."""

from lockbox.contracts.keys import SigningKeyCreated, SigningKeyRetired, SigningKeyRevoked
from portal_service.web.wording.line import Line, Sentences


def _created(fact: SigningKeyCreated, _actor: str) -> Line:
    return Line(f"Grants are signed with the key {fact.kid} from now on")


def _retired(fact: SigningKeyRetired, _actor: str) -> Line:
    return Line(f"The key {fact.kid} signs no more; grants that it has signed stay valid until their end")


def _revoked(fact: SigningKeyRevoked, actor: str) -> Line:
    return Line(
        f"{actor} revoked the key {fact.kid}; no grant that it has signed is valid any more", fact.comment, "bad"
    )


SENTENCES: Sentences = {
    SigningKeyCreated: _created,
    SigningKeyRetired: _retired,
    SigningKeyRevoked: _revoked,
}
