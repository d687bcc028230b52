"""A grant of Erin's, bound to a key and to a certificate of hers, and the proofs that she makes with the key."""

import base64
import json
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from tests.unit.builders import NOW, REQUEST_ID, terms
from tests.unit.keys import public_keys, signing_key

from approval_service.domain.grant import Grant
from lockbox.crypto import possession
from lockbox.crypto.jws import compose
from lockbox.crypto.keys import SigningKey
from lockbox.crypto.possession import Target
from lockbox.crypto.tokens import GRANT_TOKEN, TokenKind, sign
from lockbox.guard import Attempt, Certificate, Decision, Dpop
from lockbox.guard.judgement import Facts, Judge

KEY, OTHER_KEY = signing_key(1), signing_key(2)
ERIN, EVE = signing_key(3), signing_key(4)
ERINS_CERTIFICATE = Certificate("bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2")
EVES_CERTIFICATE = Certificate("A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0")
ORIGIN = "https://files.vendor.example"
URL = f"{ORIGIN}/documents/contoso/mailbox/alice"
TERMS = terms(resources=("mailbox/alice", "files/**"), actions=("read", "export"))
GRANT = Grant.of(REQUEST_ID, "erin@vendor.example", TERMS, "approval", NOW)
CONTENT = {"tenant": "contoso", "resource": "mailbox/alice", "action": "read"}
ATTEMPT = Attempt(**CONTENT)
SOON, LASTS = NOW + timedelta(minutes=5), TERMS.duration

_numbers = count()


def token(key: SigningKey = KEY, kind: TokenKind = GRANT_TOKEN, grant: Grant = GRANT, **claims: Any) -> str:
    """The signed grant; a claim that is None is left out."""
    bound_to = {"jkt": ERIN.kid, "x5t#S256": ERINS_CERTIFICATE.thumbprint}
    whole = grant.claims() | {"cnf": bound_to} | claims
    return sign(kind, {name: value for name, value in whole.items() if value is not None}, key)


def dpop(made_with: str, at: float = SOON.timestamp(), key: SigningKey = ERIN, target: Target | None = None) -> Dpop:
    """A proof for one request that comes with this grant."""
    proof = possession.prove(key, target or Target("GET", URL), at, f"proof-{next(_numbers)}", made_with)
    return Dpop(proof, "GET", URL)


def session(made_with: str, at: float = SOON.timestamp(), key: SigningKey = ERIN, origin: str = ORIGIN) -> Dpop:
    """A proof for all requests of some minutes that come with this grant."""
    proof = possession.prove_session(key, origin, at, f"session-{next(_numbers)}", made_with)
    return Dpop(proof, "GET", URL)


TOKEN = token()
FACTS = Facts(public_keys(KEY), frozenset(), frozenset())
REVOKED = replace(FACTS, revoked=frozenset({GRANT.id}))
BY_A_REVOKED_KEY = replace(FACTS, revoked_keys=frozenset({KEY.kid}))


def decide(
    made: Any = TOKEN,
    shown: Any = ERINS_CERTIFICATE,
    now: datetime = SOON,
    facts: Facts = FACTS,
    judge: Judge | None = None,
    **attempt: Any,
) -> Decision:
    judge = judge or Judge("required", skew=0.0)
    return judge.decide(made, Attempt(**{**CONTENT, **attempt}), shown, facts, now.timestamp())


def changed(proof: Dpop, **claims: Any) -> Dpop:
    """The proof with other claims, signed anew by Erin."""
    header, payload, _ = proof.proof.split(".")
    documents = [json.loads(base64.urlsafe_b64decode(text + "==")) for text in (header, payload)]
    whole = {name: value for name, value in (documents[1] | claims).items() if value is not None}
    return replace(proof, proof=compose(documents[0], whole, ERIN))
