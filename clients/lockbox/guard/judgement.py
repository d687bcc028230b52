"""The decision on an attempt, from the grant, the proof, the keys and the revocations alone."""

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from lockbox.crypto import possession
from lockbox.crypto.jws import malformed, parse
from lockbox.crypto.keys import PublicKeys
from lockbox.crypto.possession import DPOP, PROOF_LIVES_SECONDS, Proof, Target
from lockbox.crypto.tokens import GRANT_TOKEN, check_times, genuine
from lockbox.errors import Forbidden
from lockbox.guard.decision import GRANTED, Attempt, Certificate, Decision, Dpop, Shown
from lockbox.values.resources import PATTERN, covers, is_item

KNOWN_AT_MOST = 10_000
SEEN_AT_MOST = 50_000

Binding = Literal["required", "optional"]


@dataclass(frozen=True, slots=True)
class Facts:
    """Keys and revocations; `as_of` is the portal's time, `heard_at` this machine's monotonic one.

    `able`: the portal takes revocations. While it does not, what is revoked does not show here.
    """

    keys: PublicKeys
    revoked_keys: frozenset[str]
    revoked: frozenset[str]
    as_of: float = float("-inf")
    heard_at: float = float("-inf")
    able: bool = True


@dataclass(frozen=True, slots=True)
class Genuine:
    """A grant with a valid signature, in a form for fast checks."""

    kid: str
    claims: Mapping[str, Any]
    grant_id: str
    engineer: str
    tenant: str
    items: frozenset[str]
    patterns: tuple[str, ...]
    actions: frozenset[str]
    bound: bool
    key: str | None
    certificate: str | None


class Judge:
    """A judge of attempts; it remembers the grants that it has verified, and the proofs that it has seen."""

    def __init__(self, binding: Binding, skew: float) -> None:
        self._binding = binding
        self._skew = skew
        self._grants = lru_cache(KNOWN_AT_MOST)(_genuine)
        self._proofs = lru_cache(KNOWN_AT_MOST)(_proof)
        self._seen = Seen()

    def decide(self, token: str | None, attempt: Attempt, shown: Shown, facts: Facts, now: float) -> Decision:
        """Decide on one attempt, at a time in seconds; refuse everything that is not exactly granted."""
        if not token:
            return Decision(allowed=False, reason="no_grant", attempt=attempt)
        if not isinstance(token, str):
            return Decision(allowed=False, reason="token_malformed", attempt=attempt)
        try:
            grant = self._grants(token, facts.keys)
        except Forbidden as error:
            return Decision(allowed=False, reason=_unusable(token, error.code, facts), attempt=attempt)
        try:
            self._require_valid(token, grant, shown, facts, now)
            reason = _outside(grant, attempt) or GRANTED
        except Forbidden as error:
            reason = error.code
        return Decision(
            allowed=reason == GRANTED,
            reason=reason,
            attempt=attempt,
            grant_id=grant.grant_id,
            request_id=grant.claims.get("request"),
            engineer=grant.engineer,
        )

    def _require_valid(self, token: str, grant: Genuine, shown: Shown, facts: Facts, now: float) -> None:
        if grant.kid in facts.revoked_keys:
            raise Forbidden("token_key_revoked", "the key that signed the grant was revoked")
        check_times(grant.claims, now, self._skew)
        if grant.grant_id in facts.revoked:
            raise Forbidden("grant_revoked", "the grant was revoked or completed")
        if grant.bound:
            self._require_proof(token, grant, shown, now)
        elif self._binding != "optional":
            raise Forbidden("token_unbound", "the grant is bound to no key")

    def _require_proof(self, token: str, grant: Genuine, shown: Shown, now: float) -> None:
        if isinstance(shown, Dpop) and grant.key is not None:
            proof = self._proofs(str(shown.proof), grant.key)
            possession.check(proof, grant.key, Target(shown.method, shown.url), now)
            possession.check_token(proof, token)
            if proof.typ == DPOP:
                self._seen.require_new(grant.engineer, proof.id, now)
        elif not isinstance(shown, Certificate):
            raise Forbidden("proof_missing", "the grant is bound, and no proof came along")
        elif grant.certificate is None or shown.thumbprint != grant.certificate:
            raise Forbidden("proof_of_another_key", "the certificate is another one than the grant is bound to")


class Seen:
    """The ids of the proofs of the last minutes: each counts once.

    An engineer with too many proofs to remember has the further ones refused; other engineers are not affected.
    """

    def __init__(self) -> None:
        self._known: set[tuple[str, str]] = set()
        self._order: deque[tuple[float, str, str]] = deque()
        self._many = Counter[str]()
        self._lock = threading.Lock()

    def require_new(self, engineer: str, proof_id: str, now: float) -> None:
        """Raise `Forbidden("proof_replayed", ...)` unless the proof is new."""
        with self._lock:
            self._forget(now)
            if (engineer, proof_id) in self._known:
                raise Forbidden("proof_replayed", "this proof was used before")
            if self._many[engineer] >= SEEN_AT_MOST:
                raise Forbidden("proof_replayed", "too many proofs came at once to know them apart")
            self._known.add((engineer, proof_id))
            self._many[engineer] += 1
            self._order.append((now + 2 * PROOF_LIVES_SECONDS, engineer, proof_id))

    def _forget(self, now: float) -> None:
        """Drop the proofs that are too old to count."""
        while self._order and self._order[0][0] <= now:
            _, engineer, proof_id = self._order.popleft()
            self._known.remove((engineer, proof_id))
            self._many[engineer] -= 1


def _genuine(token: str, keys: PublicKeys) -> Genuine:
    kid, claims = genuine(GRANT_TOKEN, token, keys)
    grant_id, tenant, bound_to = claims.get("jti"), claims.get("tenant"), claims.get("cnf", {})
    if not isinstance(grant_id, str) or not isinstance(tenant, str) or not isinstance(bound_to, dict):
        raise malformed("a grant has an id, a tenant, and in `cnf` what it is bound to")
    named = _texts(claims.get("resources"))
    items = frozenset(filter(is_item, named))
    return Genuine(
        kid=kid,
        claims=claims,
        grant_id=grant_id,
        engineer=claims["sub"],
        tenant=tenant,
        items=items,
        patterns=tuple(name for name in named if name not in items and PATTERN.match(name)),
        actions=frozenset(_texts(claims.get("actions"))),
        bound="cnf" in claims,
        key=_text(bound_to.get("jkt")),
        certificate=_text(bound_to.get("x5t#S256")),
    )


def _unusable(token: str, code: str, facts: Facts) -> str:
    """Return the reason for a token that is not genuine; it stays the same after a revoked key left the key set."""
    if code != "token_key_unknown" or str(parse(token, GRANT_TOKEN.typ).header.get("kid")) not in facts.revoked_keys:
        return code
    return "token_key_revoked"


def _proof(text: str, thumbprint: str) -> Proof:
    """Read a proof by this key; one by another key raises, so that it is not kept in memory."""
    proof = possession.read(text)
    possession.check_key(proof, thumbprint)
    return proof


def _outside(grant: Genuine, attempt: Attempt) -> str | None:
    """Return the reason for an attempt outside the grant, or None. An attempt names an item, never a pattern."""
    if attempt.tenant != grant.tenant:
        return "other_tenant"
    if not isinstance(attempt.resource, str) or not _names(grant, attempt.resource):
        return "other_resource"
    return None if isinstance(attempt.action, str) and attempt.action in grant.actions else "other_action"


def _names(grant: Genuine, resource: str) -> bool:
    if resource in grant.items:
        return True
    return bool(grant.patterns) and is_item(resource) and any(covers(pattern, resource) for pattern in grant.patterns)


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
