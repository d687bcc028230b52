"""The attempt that a guard decides on, the credentials with it, and the decision."""

from dataclasses import dataclass

GRANTED = "granted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An action on a resource of a tenant."""

    tenant: str
    resource: str
    action: str


@dataclass(frozen=True, slots=True)
class Dpop:
    """The proof that came along with a grant (RFC 9449), and the request that it came with."""

    proof: str
    method: str
    url: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """The client certificate of the connection, by its thumbprint: base64url of the SHA-256 of its DER (RFC 8705)."""

    thumbprint: str


Shown = Dpop | Certificate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The decision on an attempt, with the stable code of its reason, and the grant if it is genuine.

    Reasons: `granted`; `no_grant`; of the grant `token_malformed`, `token_key_unknown`, `token_key_revoked`,
    `token_forged`, `token_other_audience`, `token_not_yet_valid`, `token_expired`, `token_unbound`, `grant_revoked`;
    of the proof `proof_missing`, `proof_malformed`, `proof_forged`, `proof_of_another_key`, `proof_of_another_request`,
    `proof_of_another_grant`, `proof_stale`, `proof_replayed`; of the attempt `other_tenant`, `other_resource`,
    `other_action`; of the guard itself `revocations_stale`, `clock_off`, `not_recorded`. A request guard has more, for
    requests without an attempt: `lockbox.guard.refusals.OF_THE_REQUEST`.
    """

    allowed: bool
    reason: str
    attempt: Attempt
    grant_id: str | None = None
    request_id: str | None = None
    engineer: str | None = None
