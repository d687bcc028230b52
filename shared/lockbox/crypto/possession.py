"""Proofs of possession: a grant is of use only together with the key, or the certificate, that it is bound to.

A DPoP proof (RFC 9449) is a JWT that the engineer's own key signs for one request: method, address, time, and the
digest of the grant. A session proof is the same for some minutes and no single request, for a browser's cookie. A
certificate is proven by TLS, and whoever ends TLS tells its thumbprint (RFC 8705). A grant says in `cnf` what it is
bound to.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lockbox.crypto.jws import Signs, compose, encoded, malformed, parse
from lockbox.crypto.proof_keys import ALGORITHMS, ProofKey, proof_key, required_members
from lockbox.errors import Forbidden

DPOP, SESSION = "dpop+jwt", "lockbox-session+jwt"
PROOF_LIVES_SECONDS = 60.0
SESSION_LIVES_SECONDS = 300.0
LONGEST, LONGEST_ID = 4_096, 128
PORTS = {"http": 80, "https": 443}
NO_PART_OF_IT = re.compile(r"[?#]")
ADDRESS = re.compile(
    r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?(/[!\"$->@-~]*)?(?:[?#][!-~]*)?\Z", re.A | re.I
)


@dataclass(frozen=True)
class Target:
    """The request that a proof is for."""

    method: str
    url: str


@dataclass(frozen=True)
class Proof:
    """A proof with a checked signature: thumbprint of its key, type and claims."""

    thumbprint: str
    typ: str
    claims: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The id of the proof; a proof counts once."""
        return str(self.claims["jti"])


class ProvingKey(Signs, Protocol):
    """A private key that makes proofs, wherever it is kept."""

    @property
    def jwk(self) -> Mapping[str, Any]:
        """The JWK of the public half."""

    @property
    def algorithm(self) -> str:
        """The algorithm that it signs with, as a JWS names it."""


def prove(key: ProvingKey, target: Target, at: float, jti: str, token: str | None = None) -> str:
    """Return a DPoP proof for one request, at a time in seconds; with the grant that goes along."""
    claims = {"jti": jti, "htm": target.method, "htu": NO_PART_OF_IT.split(target.url)[0], "iat": int(at)}
    return _sign(DPOP, claims | ({} if token is None else {"ath": digest_of(token)}), key)


def prove_session(key: ProvingKey, origin: str, at: float, jti: str, token: str) -> str:
    """Return a proof for every request to an origin with this grant, for `SESSION_LIVES_SECONDS`."""
    return _sign(SESSION, {"jti": jti, "aud": origin, "iat": int(at), "ath": digest_of(token)}, key)


def read(proof: object) -> Proof:
    """Read a proof and check its signature; raise `Forbidden`: `proof_malformed` or `proof_forged`."""
    if isinstance(proof, str) and len(proof) > LONGEST:
        raise Forbidden("proof_malformed", f"a proof has at most {LONGEST} characters")
    try:
        jws = parse(proof, DPOP, SESSION, algorithms=ALGORITHMS)
        key = _key(jws.header)
        jws.verify(key.key)
    except Forbidden as error:
        raise Forbidden(error.code.replace("token", "proof"), error.message) from error
    claims = jws.payload
    if not isinstance(claims.get("jti"), str) or not 1 <= len(claims["jti"]) <= LONGEST_ID:
        raise Forbidden("proof_malformed", "a proof has an id")
    return Proof(key.thumbprint, jws.header["typ"], claims)


def check(proof: Proof, thumbprint: str | None, target: Target, now: float) -> None:
    """Raise `Forbidden` unless the proof is by this key (any, if None), for this request, and made just now.

    Codes: `proof_of_another_key`, `proof_of_another_request`, `proof_stale`.
    """
    if thumbprint is not None:
        check_key(proof, thumbprint)
    if not _is_for(proof, target):
        raise Forbidden("proof_of_another_request", "the proof was made for another request")
    made = proof.claims.get("iat")
    lives = PROOF_LIVES_SECONDS if proof.typ == DPOP else SESSION_LIVES_SECONDS
    if isinstance(made, bool) or not isinstance(made, int | float) or not -PROOF_LIVES_SECONDS <= now - made <= lives:
        raise Forbidden("proof_stale", "the proof was not made just now")


def check_key(proof: Proof, thumbprint: str) -> None:
    """Raise `Forbidden("proof_of_another_key", ...)` unless the proof is by this key."""
    if proof.thumbprint != thumbprint:
        raise Forbidden("proof_of_another_key", "the proof is by another key than the grant is bound to")


def check_token(proof: Proof, token: str) -> None:
    """Raise `Forbidden("proof_of_another_grant", ...)` unless the proof was made with this grant."""
    if proof.claims.get("ath") != digest_of(token):
        raise Forbidden("proof_of_another_grant", "the proof was made with another grant")


def digest_of(token: str) -> str:
    """Return the `ath` of a token (RFC 9449): base64url of its SHA-256."""
    return encoded(hashlib.sha256(token.encode()).digest()).decode()


def _sign(typ: str, claims: Mapping[str, Any], key: ProvingKey) -> str:
    return compose({"alg": key.algorithm, "typ": typ, "jwk": required_members(key.jwk)}, claims, key)


def _key(header: Mapping[str, Any]) -> ProofKey:
    """Return the key in the header of a proof; an algorithm of another kind of key is refused."""
    key = proof_key(header.get("jwk"))
    if header["alg"] not in key.algorithms:
        raise malformed(f"expected the algorithm {' or '.join(key.algorithms)} for this key, got {header['alg']}")
    return key


def _is_for(proof: Proof, target: Target) -> bool:
    try:
        origin, path = _read(target.url)
        if proof.typ == SESSION:
            return bool(proof.claims.get("aud") == origin)
        return proof.claims.get("htm", ...) == target.method and _read(proof.claims.get("htu")) == (origin, path)
    except ValueError:
        return False


def _read(url: object) -> tuple[str, str]:
    """Return origin and path of an address, as RFC 9449 compares them; raise ValueError for any other text."""
    found = ADDRESS.match(url) if isinstance(url, str) else None
    if found is None:
        raise ValueError(f"expected an address such as https://files.vendor.example/a, got {url!r:.80}")
    scheme, host, port, path = found.groups()
    scheme = scheme.lower()
    shown = f":{int(port)}" if port and int(port) != PORTS[scheme] else ""
    return f"{scheme}://{host.lower()}{shown}", path or "/"
