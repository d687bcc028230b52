import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.unit.builders import NOW
from tests.unit.keys import public_keys
from tests.unit.lockbox.guard.grants import (
    BY_A_REVOKED_KEY,
    ERIN,
    ERINS_CERTIFICATE,
    EVE,
    EVES_CERTIFICATE,
    FACTS,
    GRANT,
    KEY,
    LASTS,
    ORIGIN,
    OTHER_KEY,
    REVOKED,
    SOON,
    TOKEN,
    URL,
    changed,
    decide,
    dpop,
    session,
    token,
)

from lockbox.crypto import possession
from lockbox.crypto.jws import LONGEST, compose
from lockbox.crypto.possession import Target
from lockbox.crypto.tokens import GRANT_TOKEN, TokenKind
from lockbox.guard import Certificate, Decision, Dpop
from lockbox.guard.judgement import Judge

BEGINS_NOW = token(nbf=NOW.timestamp())
OF_THE_GUARD = {"revocations_stale", "clock_off", "not_recorded"}
Case = Callable[[], Decision]


def part(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def forged(header: dict[str, Any], signature: Callable[[str], bytes]) -> str:
    claims = {**GRANT.claims(), "iss": GRANT_TOKEN.issuer, "aud": GRANT_TOKEN.audience}
    signed = f"{part({'typ': GRANT_TOKEN.typ, 'kid': KEY.kid} | header)}.{part(claims)}"
    return f"{signed}.{base64.urlsafe_b64encode(signature(signed)).rstrip(b'=').decode()}"


def keyed_with_the_public_key(signed: str) -> bytes:
    secret = KEY.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return hmac.digest(secret, signed.encode(), hashlib.sha512)


def signed_by_eve(signed: str) -> bytes:
    return EVE.sign(signed.encode())


def altered(part_number: int) -> str:
    """The genuine token, but one of its parts is of another genuine one."""
    parts, others = TOKEN.split("."), token(tenant="fabrikam", key=KEY).split(".")
    parts[part_number] = others[part_number]
    return ".".join(parts)


def at(**delta: float) -> datetime:
    return SOON + timedelta(**delta)


CASES: dict[str, dict[str, Case]] = {
    "no_grant": {
        "none": lambda: decide(None),
        "empty": lambda: decide(""),
        "with a proof alone": lambda: decide(None, dpop(TOKEN)),
    },
    "token_malformed": {
        "not signed": lambda: decide(forged({"alg": "none"}, lambda _: b"")),
        "alg none": lambda: decide(forged({"alg": "none"}, lambda _: bytes(64))),
        "alg None": lambda: decide(forged({"alg": "None"}, lambda _: bytes(64))),
        "hmac of the public key": lambda: decide(forged({"alg": "HS512"}, keyed_with_the_public_key)),
        "an extension": lambda: decide(compose({"typ": GRANT_TOKEN.typ, "kid": KEY.kid, "crit": ["x"]}, {}, KEY)),
        "oversized": lambda: decide(token(note="x" * LONGEST)),
        "huge": lambda: decide("a" * 10_000_000),
        "no token": lambda: decide("x"),
        "three words": lambda: decide("a.b.c"),
        "bytes": lambda: decide(TOKEN.encode()),
        "a number": lambda: decide(7),
        "a list": lambda: decide([TOKEN]),
        "an object": lambda: decide({"token": TOKEN}),
        "with a newline": lambda: decide(TOKEN + "\n"),
        "with a surrogate": lambda: decide(TOKEN + "\udcff"),
        "a caller token": lambda: decide(token(kind=TokenKind("lockbox-caller+jwt", "portal_service", "lockbox-rpc"))),
        "a proof": lambda: decide(dpop(TOKEN).proof),
        "without an id": lambda: decide(token(jti=None)),
        "without a tenant": lambda: decide(token(tenant=None)),
        "without an end": lambda: decide(token(exp=None)),
        "with a text as its end": lambda: decide(token(exp="tomorrow")),
        "bound to a text": lambda: decide(token(cnf="erin")),
        "bound to a list": lambda: decide(token(cnf=[ERIN.kid])),
    },
    "token_key_unknown": {
        "no key is known": lambda: decide(facts=replace(FACTS, keys=public_keys())),
        "another key": lambda: decide(token(OTHER_KEY)),
        "no kid": lambda: decide(compose({"typ": GRANT_TOKEN.typ}, GRANT.claims(), KEY)),
        "a kid of no type": lambda: decide(compose({"typ": GRANT_TOKEN.typ, "kid": [KEY.kid]}, GRANT.claims(), KEY)),
        "its own key": lambda: decide(forged({"alg": "EdDSA", "kid": EVE.kid, "jwk": EVE.jwk}, signed_by_eve)),
    },
    "token_key_revoked": {
        "revoked": lambda: decide(facts=BY_A_REVOKED_KEY),
        "and the grant too": lambda: decide(facts=replace(BY_A_REVOKED_KEY, revoked=frozenset({GRANT.id}))),
    },
    "token_forged": {
        "other claims": lambda: decide(altered(1)),
        "another signature": lambda: decide(altered(2)),
        "no signature": lambda: decide(TOKEN.rpartition(".")[0] + "." + "A" * 86),
        "another's signature": lambda: decide(forged({"alg": "EdDSA"}, signed_by_eve)),
        "another kid": lambda: decide(
            compose({"typ": GRANT_TOKEN.typ, "kid": OTHER_KEY.kid}, GRANT.claims(), KEY),
            facts=replace(FACTS, keys=public_keys(KEY, OTHER_KEY)),
        ),
        "another issuer": lambda: decide(token(iss="portal_service")),
        "about nobody": lambda: decide(token(sub=None)),
        "about a number": lambda: decide(token(sub=7)),
    },
    "token_other_audience": {
        "another audience": lambda: decide(token(aud="lockbox-rpc")),
        "several audiences": lambda: decide(token(aud=[GRANT_TOKEN.audience])),
    },
    "token_not_yet_valid": {
        "too early": lambda: decide(BEGINS_NOW, now=NOW - timedelta(microseconds=10)),
        "too early by more than clocks differ": lambda: decide(
            BEGINS_NOW, now=NOW - timedelta(seconds=5.001), judge=Judge("required", skew=5.0)
        ),
    },
    "token_expired": {
        "at its end": lambda: decide(now=NOW + LASTS),
        "clocks may differ": lambda: decide(now=NOW + LASTS, judge=Judge("required", skew=5.0)),
        "long ago": lambda: decide(now=NOW + timedelta(days=400)),
    },
    "token_unbound": {
        "bound to nothing": lambda: decide(token(cnf=None)),
        "with a proof": lambda: decide(unbound := token(cnf=None), dpop(unbound)),
    },
    "grant_revoked": {
        "revoked": lambda: decide(facts=REVOKED),
        "whatever is asked for": lambda: decide(facts=REVOKED, tenant="fabrikam"),
    },
    "proof_missing": {
        "nothing was shown": lambda: decide(shown=None),
        "a text was shown": lambda: decide(shown="trust me"),
        "a proof for a certificate": lambda: decide(
            one := token(cnf={"x5t#S256": ERINS_CERTIFICATE.thumbprint}), dpop(one)
        ),
        "bound to a number": lambda: decide(one := token(cnf={"jkt": 7}), dpop(one)),
        "bound to nothing known": lambda: decide(one := token(cnf={}), dpop(one)),
    },
    "proof_malformed": {
        "no proof": lambda: decide(shown=Dpop("", "GET", URL)),
        "none": lambda: decide(shown=Dpop(None, "GET", URL)),  # type: ignore[arg-type]
        "a list": lambda: decide(shown=Dpop(["x"], "GET", URL)),  # type: ignore[arg-type]
        "the grant itself": lambda: decide(shown=Dpop(TOKEN, "GET", URL)),
        "huge": lambda: decide(shown=Dpop("a" * 10_000_000, "GET", URL)),
        "oversized": lambda: decide(shown=changed(dpop(TOKEN), note="x" * 4_000)),
        "without its id": lambda: decide(shown=changed(dpop(TOKEN), jti=None)),
        "with a long id": lambda: decide(shown=changed(dpop(TOKEN), jti="x" * 129)),
        "with a private key": lambda: decide(
            shown=Dpop(compose({"typ": "dpop+jwt", "jwk": {**ERIN.jwk, "d": "x"}}, {"jti": "1"}, ERIN), "GET", URL)
        ),
        "without its key": lambda: decide(shown=Dpop(compose({"typ": "dpop+jwt"}, {"jti": "1"}, ERIN), "GET", URL)),
    },
    "proof_forged": {
        "another's signature": lambda: decide(
            shown=Dpop(compose({"typ": "dpop+jwt", "jwk": ERIN.jwk}, {"jti": "1"}, EVE), "GET", URL)
        ),
        "no signature": lambda: decide(shown=replace(one := dpop(TOKEN), proof=one.proof[:-86] + "A" * 86)),
    },
    "proof_of_another_key": {
        "another's proof": lambda: decide(shown=dpop(TOKEN, key=EVE)),
        "another's session": lambda: decide(shown=session(TOKEN, key=EVE)),
        "another's certificate": lambda: decide(shown=EVES_CERTIFICATE),
        "no certificate": lambda: decide(shown=Certificate("")),
        "a certificate for a key": lambda: decide(token(cnf={"jkt": ERIN.kid}), ERINS_CERTIFICATE),
        "none for a key": lambda: decide(token(cnf={"jkt": ERIN.kid}), Certificate(None)),  # type: ignore[arg-type]
        "the key as a certificate": lambda: decide(token(cnf={"jkt": ERIN.kid}), Certificate(ERIN.kid)),
    },
    "proof_of_another_request": {
        "another method": lambda: decide(shown=dpop(TOKEN, target=Target("PUT", URL))),
        "another method's case": lambda: decide(shown=dpop(TOKEN, target=Target("get", URL))),
        "another path": lambda: decide(shown=dpop(TOKEN, target=Target("GET", URL + "/inbox"))),
        "another path's case": lambda: decide(shown=dpop(TOKEN, target=Target("GET", URL.replace("alice", "Alice")))),
        "another host": lambda: decide(shown=dpop(TOKEN, target=Target("GET", URL.replace("vendor", "evil")))),
        "another port": lambda: decide(shown=dpop(TOKEN, target=Target("GET", URL.replace("example/", "example:81/")))),
        "plain http": lambda: decide(shown=dpop(TOKEN, target=Target("GET", URL.replace("https", "http")))),
        "no address": lambda: decide(shown=changed(dpop(TOKEN), htu="https://[/")),
        "no method": lambda: decide(shown=changed(dpop(TOKEN), htm=None)),
        "no method on either side": lambda: decide(shown=replace(changed(dpop(TOKEN), htm=None), method=None)),
        "another user": lambda: decide(shown=changed(dpop(TOKEN), htu=URL.replace("https://", "https://eve@"))),
        "an address with a newline": lambda: decide(shown=changed(dpop(TOKEN), htu=URL + "\n")),
        "an address of no type": lambda: decide(shown=changed(dpop(TOKEN), htu=[URL])),
        "asked by nothing": lambda: decide(shown=replace(dpop(TOKEN), url=None)),
        "asked by a number": lambda: decide(shown=replace(session(TOKEN), url=7)),
        "a session for another origin": lambda: decide(shown=session(TOKEN, origin="https://evil.example")),
        "a session for another port": lambda: decide(shown=session(TOKEN, origin=ORIGIN + ":8443")),
        "a session for an address": lambda: decide(shown=session(TOKEN, origin=ORIGIN + "/")),
        "a session for plain http": lambda: decide(shown=session(TOKEN, origin=ORIGIN.replace("https", "http"))),
        "a proof as a session": lambda: decide(shown=replace(dpop(TOKEN), url=ORIGIN + "/documents/contoso/x/y")),
    },
    "proof_of_another_grant": {
        "another grant": lambda: decide(shown=dpop(token(tenant="fabrikam"))),
        "another grant's session": lambda: decide(shown=session(token(tenant="fabrikam"))),
        "no grant": lambda: decide(shown=changed(dpop(TOKEN), ath=None)),
        "a digest of no type": lambda: decide(shown=changed(dpop(TOKEN), ath=[possession.digest_of(TOKEN)])),
    },
    "proof_stale": {
        "too old": lambda: decide(shown=dpop(TOKEN), now=at(seconds=61)),
        "from the future": lambda: decide(shown=dpop(TOKEN), now=at(seconds=-61)),
        "an old session": lambda: decide(shown=session(TOKEN), now=at(seconds=301)),
        "a session from the future": lambda: decide(shown=session(TOKEN), now=at(seconds=-61)),
        "without a time": lambda: decide(shown=changed(dpop(TOKEN), iat=None)),
        "with a text as its time": lambda: decide(shown=changed(dpop(TOKEN), iat=str(SOON.timestamp()))),
        "with a flag as its time": lambda: decide(shown=changed(dpop(TOKEN), iat=True)),
    },
    "proof_replayed": {"twice": lambda: replayed(dpop(TOKEN)), "with a new signature": lambda: replayed_otherwise()},
    "other_tenant": {
        repr(tenant): lambda tenant=tenant: decide(tenant=tenant)  # type: ignore[misc]
        for tenant in ("fabrikam", "Contoso", "contoso ", "", "contoso\n", "contos", "cont\u043eso", None, 7)
    },
    "other_resource": {
        repr(resource): lambda resource=resource: decide(resource=resource)  # type: ignore[misc]
        for resource in (
            "mailbox/bob", "mailbox/Alice", "MAILBOX/alice", "mailbox", "mailbox/", "mailbox/alice/inbox",
            "mailbox/alice ", "mailbox/alice\n", "mailbox/*", "mailbox/**", "*/alice", "**", "", "mailbox/./alice",
            "mailbox//alice", "/mailbox/alice", "mailbox%2Falice", "mailbox/al\u0456ce", "mailbox\\alice", "alice",
            "files", "files/", "files/*", "files/**", "files/../mailbox/bob", "files/..", "files/.", "files/a/../b",
            "files/%2e%2e/b", "files/..%2fmailbox/bob", "files//x", "files/x/", "files/x\x00", "files/x\n", "files/a b",
            "files/a\\b", "files/\uff0e\uff0e/x", "files\u2215x", "FILES/x", None, 7, ("mailbox/alice",), ["files/x"],
        )
    },
    "other_action": {
        repr(action): lambda action=action: decide(action=action)  # type: ignore[misc]
        for action in ("write", "Read", "", "re", "read ", "read,export", "*", "r\u0435ad", None, 7, ["read"])
    },
}  # fmt: skip


def replayed(proof: Dpop) -> Decision:
    judge = Judge("required", skew=0.0)
    assert decide(shown=proof, judge=judge).allowed
    return decide(shown=proof, judge=judge)


def replayed_otherwise() -> Decision:
    """The engineer's own key can sign the same id again: it is still the same proof."""
    judge, proof = Judge("required", skew=0.0), dpop(TOKEN)
    assert decide(shown=proof, judge=judge).allowed
    return decide(shown=changed(proof, note="another"), judge=judge)


every_case = pytest.mark.parametrize(
    ("reason", "case"),
    [
        pytest.param(reason, case, id=f"{reason}-{name}")
        for reason, cases in CASES.items()
        for name, case in cases.items()
    ],
)


NOT_GENUINE = {"no_grant", "token_malformed", "token_key_unknown", "token_forged", "token_other_audience"}


@every_case
def test_decide_when_something_is_wrong_denies_and_says_what(reason: str, case: Case) -> None:
    decision = case()
    assert (decision.allowed, decision.reason) == (False, reason)


@every_case
def test_decide_when_the_grant_is_not_genuine_says_nothing_of_it(reason: str, case: Case) -> None:
    decision = case()
    assert (decision.grant_id is None) is (reason in NOT_GENUINE)
    assert (decision.engineer is None) is (reason in NOT_GENUINE)


def test_decide_when_a_revoked_key_is_not_published_any_more_says_the_same_and_knows_nobody() -> None:
    decision = decide(facts=replace(BY_A_REVOKED_KEY, keys=public_keys(OTHER_KEY)))
    assert (decision.allowed, decision.reason, decision.grant_id) == (False, "token_key_revoked", None)


def test_decide_when_cases_are_taken_together_they_show_every_reason_that_is_documented() -> None:
    documented = re.findall(r"`([a-z_]+)`", Decision.__doc__ or "")
    assert {"granted", *CASES, *OF_THE_GUARD} == set(documented)
