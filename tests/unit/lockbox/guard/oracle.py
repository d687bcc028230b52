"""Another reader of grants and proofs, to hold the guard against: PyJWT, and the rule of resources from docs/policy.md.

It shares no code with the guard. Where it can't read something it says no.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import jwt
from jwt.algorithms import OKPAlgorithm

from lockbox.guard import Attempt, Certificate, Dpop
from lockbox.guard.decision import Shown
from lockbox.guard.judgement import Facts

ADDRESS = re.compile(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?(/[^?#]*)?(?:[?#].*)?\Z", re.A | re.I)
PORTS = {"http": 80, "https": 443}
jwt.register_algorithm("Ed25519", OKPAlgorithm())  # another name of EdDSA (RFC 9864)
UNTOLD = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_sub": False, "strict_aud": True}


class Oracle:
    """Knows which proofs were taken already."""

    def __init__(self, skew: float) -> None:
        self._skew = skew
        self._taken: set[tuple[str, str]] = set()

    def allows(self, token: Any, attempt: Attempt, shown: Shown, facts: Facts, now: float) -> bool:
        try:
            claims = self._claims(token, facts)
            return (
                claims["nbf"] - self._skew <= now < claims["exp"]
                and claims["jti"] not in facts.revoked
                and self._is_hers(token, claims["cnf"], claims["sub"], shown, now)
                and is_granted(claims, attempt)
            )
        except (jwt.PyJWTError, KeyError, TypeError, ValueError, AttributeError):
            return False

    def _claims(self, token: Any, facts: Facts) -> Mapping[str, Any]:
        header = header_of(token)
        require(header["typ"] == "lockbox-grant+jwt" and "crit" not in header and "b64" not in header)
        require(header["kid"] not in facts.revoked_keys)
        claims = jwt.decode(
            token,
            facts.keys.by_kid[header["kid"]],
            algorithms=["EdDSA"],
            issuer="approval_service",
            audience="lockbox-enforcement-point",
            options=UNTOLD,  # type: ignore[arg-type]
        )
        require(all(isinstance(claims[name], str) for name in ("sub", "jti", "tenant")))
        require(all(type(claims[name]) in (int, float) for name in ("nbf", "exp")))
        return claims

    def _is_hers(self, token: str, bound_to: Mapping[str, Any], whose: str, shown: Shown, now: float) -> bool:
        if isinstance(shown, Certificate):
            return isinstance(shown.thumbprint, str) and shown.thumbprint == bound_to["x5t#S256"]
        if not isinstance(shown, Dpop) or len(shown.proof) > 4_096:
            return False
        header = header_of(shown.proof)
        jwk = {name: header["jwk"][name] for name in ("crv", "kty", "x")}
        require("d" not in header["jwk"] and "crit" not in header and "b64" not in header)
        claims = jwt.decode(
            shown.proof,
            jwt.PyJWK(jwk, "EdDSA").key,
            algorithms=["EdDSA", "Ed25519"],
            options=UNTOLD | {"verify_aud": False, "verify_jti": False},  # type: ignore[arg-type]
        )
        require(digest(json.dumps(jwk, separators=(",", ":"), sort_keys=True)) == bound_to["jkt"])
        require(claims["ath"] == digest(token) and type(claims["iat"]) in (int, float))
        require(isinstance(claims["jti"], str) and 1 <= len(claims["jti"]) <= 128)
        return self._counts(header["typ"], claims, whose, shown, now)

    def _counts(self, typ: str, claims: Mapping[str, Any], whose: str, shown: Dpop, now: float) -> bool:
        scheme, host, port, path = parts_of(shown.url)
        age = now - claims["iat"]
        if typ == "lockbox-session+jwt":
            origin = f"{scheme}://{host}" + ("" if port == PORTS[scheme] else f":{port}")
            return bool(claims["aud"] == origin) and -60 <= age <= 300
        require(typ == "dpop+jwt" and -60 <= age <= 60)
        require(claims["htm"] == shown.method and parts_of(claims["htu"]) == (scheme, host, port, path))
        require((whose, claims["jti"]) not in self._taken)
        self._taken.add((whose, claims["jti"]))
        return True


def header_of(token: Any) -> Mapping[str, Any]:
    """What it says of itself; PyJWT reads it once more when it verifies."""
    header: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    return header


def is_granted(claims: Mapping[str, Any], attempt: Attempt) -> bool:
    resources, actions = claims["resources"], claims["actions"]
    return (
        attempt.tenant == claims["tenant"]
        and isinstance(resources, list)
        and isinstance(actions, list)
        and isinstance(attempt.action, str)
        and attempt.action in actions
        and is_item(attempt.resource)
        and any(isinstance(pattern, str) and matches(pattern, attempt.resource) for pattern in resources)
    )


def is_item(resource: str) -> bool:
    """A path of two segments or more, with nothing in it that anybody could read as something else."""
    segments = resource.split("/")
    return (
        len(segments) > 1
        and all(segment not in ("", ".", "..") for segment in segments)
        and all(letter.isascii() and (letter.isalnum() or letter in "._@+-/") for letter in resource)
    )


def matches(pattern: str, item: str) -> bool:
    """`*` is one segment of any name; `**`, as the last alone, one or more; everything else stands for itself."""
    wanted, named = pattern.split("/"), item.split("/")
    if len(wanted) < 2:
        return False
    if wanted[-1] == "**":
        wanted, named = wanted[:-1], named[: len(wanted) - 1] if len(named) >= len(wanted) else ["\0"]
    return len(wanted) == len(named) and all(one in ("*", other) for one, other in zip(wanted, named, strict=True))


def parts_of(url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and path of an address, as RFC 9449 compares them."""
    require(all("!" <= letter <= "~" for letter in url))
    found: Any = ADDRESS.match(url)
    scheme, host = found[1].lower(), found[2].lower()
    return scheme, host, int(found[3] or PORTS[scheme]), found[4] or "/"


def digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def require(holds: bool) -> None:
    if not holds:
        raise ValueError
