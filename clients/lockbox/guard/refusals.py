"""Refusals: a problem document (RFC 9457) with the reason as its code."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from lockbox.crypto.proof_keys import ALGORITHMS

REASON = "Lockbox-Reason"
CHALLENGE = f'DPoP algs="{" ".join(ALGORITHMS)}"'

OF_THE_REQUEST: Mapping[str, str] = {
    "no_route": "No route says what this path or method means.",
    "path_ambiguous": "The path can be read in more than one way.",
    "method_ambiguous": "A header names another method.",
    "request_untold": "The proxy did not tell which request it asks about.",
    "credentials_ambiguous": "More than one grant or proof was shown.",
    "cross_site": "Another site made the browser ask.",
}
OF_THE_GRANT: Mapping[str, str] = {
    "no_grant": "No grant was shown.",
    "token_malformed": "What was shown is no grant.",
    "token_key_unknown": "The grant was signed with a key that is not Lockbox's.",
    "token_key_revoked": "The key that signed the grant was revoked.",
    "token_forged": "The signature of the grant is wrong.",
    "token_other_audience": "The token is not for an enforcement point.",
    "token_not_yet_valid": "The access has not begun.",
    "token_expired": "The access has ended.",
    "token_unbound": "The grant is bound to no key.",
    "grant_revoked": "The grant was revoked or completed.",
}
OF_THE_PROOF: Mapping[str, str] = {
    "proof_missing": "The grant is bound to a key, and no proof of it was shown.",
    "proof_malformed": "What was shown is no proof.",
    "proof_forged": "The signature of the proof is wrong.",
    "proof_of_another_key": "The grant is bound to another key, or another certificate.",
    "proof_of_another_request": "The proof was made for another method or address.",
    "proof_of_another_grant": "The proof was made with another grant.",
    "proof_stale": "The proof was not made just now.",
    "proof_replayed": "The proof was used before.",
}
OF_THE_ATTEMPT: Mapping[str, str] = {
    "other_tenant": "The grant is for another tenant.",
    "other_resource": "The grant does not name this resource.",
    "other_action": "The grant does not allow this action.",
}
OF_THE_GUARD: Mapping[str, str] = {
    "revocations_stale": "The guard has not heard of revocations for too long; try again.",
    "clock_off": "The clock of the guard differs too much from Lockbox's.",
    "not_recorded": "The access could not be put on record; try again.",
}
REASONS = {**OF_THE_REQUEST, **OF_THE_GRANT, **OF_THE_PROOF, **OF_THE_ATTEMPT, **OF_THE_GUARD}


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a refused request; `later` is the status where the same request may succeed later."""

    reason: str
    later: HTTPStatus = HTTPStatus.SERVICE_UNAVAILABLE

    @property
    def status(self) -> HTTPStatus:
        """The HTTP status: 401 without a grant, `later` for the guard's own reasons, else 403."""
        if self.reason == "no_grant":
            return HTTPStatus.UNAUTHORIZED
        return self.later if self.reason in OF_THE_GUARD else HTTPStatus.FORBIDDEN

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers, with the reason for programs that don't see the body; the answer is not cached."""
        asking = [("WWW-Authenticate", CHALLENGE)] if self.status == HTTPStatus.UNAUTHORIZED else []
        return [
            ("Content-Type", "application/problem+json"),
            ("Content-Length", str(len(self.body))),
            ("Cache-Control", "no-store"),
            (REASON, self.reason),
            *asking,
        ]

    @property
    def body(self) -> bytes:
        """The problem document."""
        status = self.status
        document = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "code": self.reason,
            "detail": REASONS[self.reason],
        }
        return json.dumps(document).encode()
