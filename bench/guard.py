"""The cost of a guard's decision.

The references are two authorisation engines with the same rule, which verify no grant and no proof, and the bare
verification of the same signatures, in turn with the guard.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import casbin
import cedarpy
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.guard_process import THUMBPRINT
from lockbox import clock
from lockbox.crypto.jws import parse
from lockbox.crypto.keys import PublicKeys, SigningKey
from lockbox.crypto.possession import DPOP, Target, prove, prove_session
from lockbox.crypto.tokens import GRANT_TOKEN, sign
from lockbox.guard import Certificate, Dpop, Guard, Options
from lockbox.guard.decision import Shown
from lockbox.guard.judgement import Facts
from lockbox.ids import new_id

CHECKS, AT_ONCE = 6_000, 300
ENGINEER, ORIGIN = "erin@vendor.example", "https://files.vendor.example"
URL = f"{ORIGIN}/documents/contoso/mailbox/alice"
CERTIFICATE = Certificate(THUMBPRINT)
ISSUER, HERS = (SigningKey.of(Ed25519PrivateKey.generate()) for _ in range(2))
CASBIN_MODEL = """
[request_definition]
r = sub, dom, obj, act
[policy_definition]
p = sub, dom, obj, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.dom == p.dom && r.obj == p.obj && r.act == p.act
"""
CEDAR_POLICY = """
permit(principal == Engineer::"erin@vendor.example", action == Action::"read", resource == Item::"mailbox/alice")
when { context.tenant == "contoso" };
"""

Run = Callable[[], object]
Spread = dict[str, list[float]]


def decisions() -> Spread:
    """Return the microseconds of each decision on the same access."""
    with _guard() as guard:
        grant = _grant()
        session = Dpop(prove_session(HERS, ORIGIN, clock.now().timestamp(), new_id(), grant), "GET", URL)
        return _in_turn(
            {
                "guard, a proof for some minutes": [_check(guard, grant, session)] * CHECKS,
                "guard, a client certificate": [_check(guard, grant, CERTIFICATE)] * CHECKS,
                "guard, a new proof each time": [_check(guard, grant, _proof(grant)) for _ in range(CHECKS)],
                "cedarpy, the rule alone": [_cedar()] * CHECKS,
                "pycasbin, the rule alone": [_casbin()] * CHECKS,
            }
        )


def new_grants() -> Spread:
    """Return the microseconds of each decision on an unseen grant, and of verifying its signature."""
    grants = [_grant() for _ in range(CHECKS)]
    with _guard() as guard:
        return _in_turn(
            {
                "its signature alone": [_verification(grant) for grant in grants],
                "guard, a client certificate": [_check(guard, grant, CERTIFICATE) for grant in grants],
            }
        )


def new_grants_and_proofs() -> Spread:
    """Return the microseconds of each decision on an unseen grant with an unseen proof, and of their signatures."""
    both = [(grant, _proof(grant)) for grant in (_grant() for _ in range(CHECKS))]
    with _guard() as guard:
        return _in_turn(
            {
                "their two signatures alone": [_verification(grant, shown.proof) for grant, shown in both],
                "guard, a new proof": [_check(guard, grant, shown) for grant, shown in both],
            }
        )


def _in_turn(runs: Mapping[str, Sequence[Run]]) -> Spread:
    """Measure calls of each kind in turn, so that other load on the machine affects all alike."""
    measured: Spread = {name: [] for name in runs}
    for first in range(0, CHECKS, AT_ONCE):
        for name, calls in runs.items():
            measured[name] += [_microseconds(call) for call in calls[first : first + AT_ONCE]]
    return measured


def _microseconds(call: Run) -> float:
    started = time.perf_counter_ns()
    allowed = call()
    nanoseconds = time.perf_counter_ns() - started
    if not allowed:
        raise AssertionError("expected a decision that allows")
    return nanoseconds / 1000


@contextmanager
def _guard() -> Iterator[Guard]:
    """Return a guard with the keys and revocations of a portal that answered a moment ago."""
    with tempfile.TemporaryDirectory() as folder:
        token = Path(folder, "token")
        token.write_text("lbk_bench")
        guard = Guard("http://127.0.0.1:1", token, Options(stale_after=3_600.0))
    keys = PublicKeys({ISSUER.kid: ISSUER.private.public_key()})
    guard._stream.facts = Facts(keys, frozenset(), frozenset(), clock.now().timestamp(), time.monotonic())
    yield guard
    guard.stop()


def _grant() -> str:
    now = clock.now().timestamp()
    claims = {"sub": ENGINEER, "jti": new_id(), "request": new_id(), "nbf": now - 60, "exp": now + 14_400}
    terms = {"tenant": "contoso", "resources": ["mailbox/alice"], "actions": ["read"]}
    return sign(GRANT_TOKEN, claims | terms | {"cnf": {"jkt": HERS.kid, "x5t#S256": THUMBPRINT}}, ISSUER)


def _proof(grant: str) -> Dpop:
    return Dpop(prove(HERS, Target("GET", URL), clock.now().timestamp(), new_id(), grant), "GET", URL)


def _check(guard: Guard, grant: str, shown: Shown) -> Run:
    return lambda: guard.check(grant, "contoso", "mailbox/alice", "read", shown).allowed


def _verification(grant: str, proof: str | None = None) -> Run:
    signed = [(ISSUER, parse(grant, GRANT_TOKEN.typ))] + ([(HERS, parse(proof, DPOP))] if proof else [])
    calls = [partial(key.private.public_key().verify, jws.signature, jws.signed) for key, jws in signed]
    return lambda: all(call() is None for call in calls)


def _cedar() -> Run:
    policies, nothing = cedarpy.PolicySet.from_str(CEDAR_POLICY), cedarpy.Entities.from_json_str("[]")
    request = {
        "principal": f'Engineer::"{ENGINEER}"',
        "action": 'Action::"read"',
        "resource": 'Item::"mailbox/alice"',
        "context": {"tenant": "contoso"},
    }
    return lambda: cedarpy.is_authorized(request, policies, nothing).allowed


def _casbin() -> Run:
    enforcer = casbin.Enforcer(casbin.Enforcer.new_model(text=CASBIN_MODEL))
    enforcer.add_policy(ENGINEER, "contoso", "mailbox/alice", "read")
    return partial(enforcer.enforce, ENGINEER, "contoso", "mailbox/alice", "read")
