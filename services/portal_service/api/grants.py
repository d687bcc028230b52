"""The route of the signed grant: the key that it is bound to comes in a header."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lockbox.contracts.grant.operations import GetGrantToken
from lockbox.contracts.grant.terms import Confirmation, Thumbprint
from lockbox.contracts.registry import Operation
from lockbox.errors import Invalid
from lockbox.faults import Expected
from portal_service.api.special import Special, send_uncached
from portal_service.edge import edge

PROOF = "DPoP"
"""The header with a proof, as its sender writes it."""


@dataclass(frozen=True)
class Certified:
    """The thumbprint of the client certificate that a grant is for: base64url of the SHA-256 of its DER (RFC 8705)."""

    x5t_s256: Thumbprint | None = None


def confirmation(query: Certified, _path: Mapping[str, Any]) -> dict[str, Any]:
    """Return the key of the proof in the header `DPoP` (RFC 9449), and the certificate of the query; one of the two."""
    key = edge().proven_key()
    if key is None and query.x5t_s256 is None:
        expected = Expected("confirmation_required")
        message = f"{PROOF}: expected {expected.text}"
        raise Invalid("confirmation_required", message, [expected.fault(PROOF), expected.fault("x5t_s256")])
    return {"confirmation": Confirmation(jkt=key, x5t_s256=query.x5t_s256)}


SPECIAL: Mapping[Operation, Special] = {
    GetGrantToken: Special(respond=send_uncached, arguments=Certified, read=confirmation),
}
