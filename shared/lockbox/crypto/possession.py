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
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lockbox.crypto.jws import compose, decoded, encoded, malformed, parse
from lockbox.crypto.keys import SigningKey, public_jwk
from lockbox.errors import Forbidden

DPOP, SESSION = "dpop+jwt", "lockbox-session+jwt"
PROOF_LIVES_SECONDS = 60.0
SESSION_LIVES_SECONDS = 300.0
LONGEST, LONGEST_ID = 4_096, 128
RAW_KEY_BYTES = 32
KEYS_KNOWN_AT_MOST = 1_000
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


def prove(key: SigningKey, target: Target, at: float, jti: str, token: str | None = None) -> str:
    """Return a DPoP proof for one request, at a time in seconds; with the grant that goes along."""
    claims = {"jti": jti, "htm": target.method, "htu": NO_PART_OF_IT.split(target.url)[0], "iat": int(at)}
    return _sign(DPOP, claims | ({} if token is None else {"ath": digest_of(token)}), key)


def prove_session(key: SigningKey, origin: str, at: float, jti: str, token: str) -> str:
    """Return a proof for every request to an origin with this grant, for `SESSION_LIVES_SECONDS`."""
    return _sign(SESSION, {"jti": jti, "aud": origin, "iat": int(at), "ath": digest_of(token)}, key)


def read(proof: object) -> Proof:
    """Read a proof and check its signature; raise `Forbidden`: `proof_malformed` or `proof_forged`."""
    if isinstance(proof, str) and len(proof) > LONGEST:
        raise Forbidden("proof_malformed", f"a proof has at most {LONGEST} characters")
    try:
        jws = parse(proof, DPOP, SESSION)
        key, thumbprint = _key(jws.header.get("jwk"))
        jws.verify(key)
    except Forbidden as error:
        raise Forbidden(error.code.replace("token", "proof"), error.message) from error
    claims = jws.payload
    if not isinstance(claims.get("jti"), str) or not 1 <= len(claims["jti"]) <= LONGEST_ID:
        raise Forbidden("proof_malformed", "a proof has an id")
    return Proof(thumbprint, jws.header["typ"], claims)


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


def thumbprint_of(key: Ed25519PublicKey) -> str:
    """Return the thumbprint of a key (RFC 7638)."""
    return str(public_jwk(key)["kid"])


def _sign(typ: str, claims: Mapping[str, Any], key: SigningKey) -> str:
    jwk = {name: value for name, value in key.jwk.items() if name in ("kty", "crv", "x")}
    return compose({"typ": typ, "jwk": jwk}, claims, key)


def _key(jwk: object) -> tuple[Ed25519PublicKey, str]:
    if not isinstance(jwk, dict) or (jwk.get("kty"), jwk.get("crv")) != ("OKP", "Ed25519") or "d" in jwk:
        raise malformed("a proof names its public key, an Ed25519 one")
    return _public_key(str(jwk.get("x")))


@lru_cache(KEYS_KNOWN_AT_MOST)
def _public_key(x: str) -> tuple[Ed25519PublicKey, str]:
    """Return the key and its thumbprint; the same keys come again and again."""
    raw = decoded(x)
    if len(raw) != RAW_KEY_BYTES:
        raise malformed(f"an Ed25519 key has {RAW_KEY_BYTES} bytes")
    key = Ed25519PublicKey.from_public_bytes(raw)
    return key, thumbprint_of(key)


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
