"""Grants, proofs and attempts, good ones and such as somebody might try; written by hand, not by what is tested."""

import base64
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.unit.keys import public_keys, signing_key
from tests.unit.lockbox.guard.oracle import digest

from lockbox.crypto.keys import SigningKey
from lockbox.guard import Attempt, Certificate, Dpop
from lockbox.guard.decision import Shown
from lockbox.guard.judgement import Facts

KEY, SECOND_KEY, UNKNOWN_KEY, HERS, HIS = map(signing_key, range(1, 6))
FACTS = Facts(public_keys(KEY, SECOND_KEY), frozenset({"revoked"}), frozenset({"revoked-grant"}))
ORIGIN, PATH = "https://files.vendor.example", "/documents/contoso/mailbox/alice"
CERTIFICATE = Certificate("bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2")
LETTERS = 'ABCabcxyz0189-_.=/+ \n\x00é\u2028\ud800*%{}[]",:'

# What each of these is exchanged for is valid here and there, too.
HEADER: dict[str, Sequence[Any]] = {
    "alg": ["none", "HS256", "Ed25519", "", None, ["EdDSA"]],
    "typ": ["JWT", "LOCKBOX-GRANT+JWT", "dpop+jwt", "lockbox-session+jwt", None, 7, ["lockbox-grant+jwt"]],
    "kid": [KEY.kid, SECOND_KEY.kid, UNKNOWN_KEY.kid, "revoked", "", None, 7],
    "crit": [["exp"], []],
    "jwk": [HIS.jwk, HERS.jwk, {}, None, "x", {**HERS.jwk, "d": "x"}, {"kty": "OKP", "crv": "Ed25519", "x": 7}],
    "jku": ["https://evil.example/jwks.json"],
}
CLAIMS: dict[str, Sequence[Any]] = {
    "iss": ["portal_service", None, "", ["approval_service"]],
    "aud": ["lockbox-rpc", None, ["lockbox-enforcement-point"], ORIGIN],
    "sub": ["eve@vendor.example", "", None, 7],
    "jti": ["revoked-grant", "another-grant", "", None, 7, ["x"]],
    "tenant": ["contoso", "fabrikam", "Contoso", "", None, 7, ["contoso"]],
    "resources": [
        ["mailbox/alice"], ["mailbox/*"], ["files/**"], ["*/alice"], ["**"], ["*"], ["*/*"], ["*/**"], ["a/**/b"],
        ["mailbox/alice", "files/**"], ["mailbox"], [""], [], None, "mailbox/alice", ["files/../x"], [7, "x/y"],
        ["Mailbox/alice"], ["mailbox/al*"], ["**/alice"], {"mailbox/alice": 1}, ["mailbox//*"], [["mailbox/alice"]],
    ],
    "actions": [["read"], ["write"], ["*"], ["READ"], [], None, "read", ["read", 7], {"read": 1}, [["read"]], [""]],
    "cnf": [
        {"jkt": HERS.kid}, {"jkt": HIS.kid}, {"x5t#S256": CERTIFICATE.thumbprint}, {}, None, [], {"jkt": 7},
        {"jkt": None, "x5t#S256": None}, {"x5t#S256": ""}, {"jkt": ""}, "x", {"kid": HERS.kid},
    ],
    "ath": ["", None, "x", 7],
    "htm": ["PUT", "get", "", None, ["GET"]],
}  # fmt: skip
SECONDS = (-1e9, -301, -300, -61, -60, -6, -5, -1, 0, 1, 5, 6, 60, 61, 300, 301, 1e9)
NO_TIMES = ("0", None, True, [], {})
ADDRESSES = (
    ORIGIN + PATH, ORIGIN + PATH + "?page=2", ORIGIN + PATH + "#top", "HTTPS://FILES.vendor.example:443" + PATH,
    "http://files.vendor.example" + PATH, "https://files.vendor.example:8443" + PATH, "https://evil.example" + PATH,
    "https://files.vendor.example.evil.example" + PATH, ORIGIN + PATH.upper(), ORIGIN + PATH + "/", ORIGIN,
    ORIGIN + "/",
    ORIGIN + "/documents/contoso/mailbox/bob", ORIGIN + PATH.replace("/a", "/%61"), ORIGIN + "/." + PATH, "", None, 7,
    "https://[/", "https://[::1]" + PATH, ORIGIN + PATH + "\n", ORIGIN + PATH.replace("alice", "al\nice"), PATH,
    "https://eve@files.vendor.example" + PATH, " " + ORIGIN + PATH, ORIGIN + ":99999" + PATH, ORIGIN + ":" + PATH,
    ORIGIN + "\\@evil.example" + PATH, "//files.vendor.example" + PATH, "ftp://files.vendor.example" + PATH,
    ORIGIN + PATH + ";v=1", ORIGIN + "//" + PATH, "https:/files.vendor.example" + PATH, ORIGIN + PATH + "?",
    "https://files.vendor.example." + PATH, ORIGIN + ":0443" + PATH, "https://files.vendor.ex\u00e4mple" + PATH,
)  # fmt: skip
ITEMS = (
    "mailbox/alice",
    "mailbox/alice",
    "mailbox/bob",
    "files/report",
    "files/2026/q1.pdf",
    "x/y",
    "mailbox",
    "a/x/b",
    "b/alice",
)
PIECES = (
    "", ".", "..", "/", "//", "*", "**", "%2f", "%2e%2e", "\\", "\n", "\x00", " ", "\u2215", "\uff0e\uff0e", "\u0430",
    "A", "/alice", "mailbox/", "files", ";", "?", "#", "\u200b", "\ud800", "@", "+", "é", "0", "\u0660", "\u212a",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """`plain`: every part has the form that it must have, so that all readers have to agree, on a yes as on a no."""

    token: Any
    attempt: Attempt
    shown: Shown
    facts: Facts
    plain: bool = True


class Forge:
    """Makes cases by chance, for one moment; the same chance makes the same cases."""

    def __init__(self, chance: random.Random, now: float) -> None:
        self._chance = chance
        self._now = now
        self._made: list[Case] = []

    def case(self) -> Case:
        """A new one, or one like an earlier one: the same grant, the same proof, another attempt."""
        like = self._chance.choice(self._made) if self._made and self._happens(0.5) else None
        case = self._case() if like is None else self._again(like)
        self._made.append(case)
        return self._damaged(case) if self._happens(0.25) else case

    def _case(self) -> Case:
        token = self._grant()
        return Case(token, self._attempt(), self._shown(token), self._facts())

    def _again(self, case: Case) -> Case:
        if self._happens(0.3):
            return replace(case, attempt=self._attempt(), facts=self._facts())
        return replace(case, attempt=self._attempt(), shown=self._shown(case.token))

    def _grant(self) -> str:
        key = self._usually(KEY, [SECOND_KEY, UNKNOWN_KEY, HERS])
        claims = {
            "iss": "approval_service",
            "aud": "lockbox-enforcement-point",
            "sub": "erin@vendor.example",
            "jti": f"grant-{self._chance.randrange(5)}",
            "request": "request-1",
            "tenant": "contoso",
            "resources": self._chance.choice(CLAIMS["resources"][:4]),
            "actions": ["read", "export"],
            "nbf": self._now - self._chance.choice([10, 1e6]),
            "exp": self._now + 1e6,
            "cnf": {"jkt": HERS.kid, "x5t#S256": CERTIFICATE.thumbprint},
        }
        return self._signed({"typ": "lockbox-grant+jwt", "kid": key.kid}, claims, key)

    def _shown(self, token: str) -> Shown:
        way = self._chance.random()
        if way < 0.1:
            return self._chance.choice([None, CERTIFICATE, Certificate(HERS.kid), Certificate("")])
        url = self._usually(ORIGIN + PATH, ADDRESSES)
        made = {"jti": f"proof-{self._chance.getrandbits(40)}", "iat": int(self._now), "ath": digest(token)}
        if way < 0.3:
            proof = self._proof("lockbox-session+jwt", made | {"aud": self._usually(ORIGIN, ADDRESSES)})
        else:
            address = url if self._happens(0.9) else self._chance.choice(ADDRESSES)
            proof = self._proof("dpop+jwt", made | {"htm": "GET", "htu": address})
        return Dpop(proof, self._usually("GET", ["PUT", "get", "", None]), url)

    def _proof(self, typ: str, claims: Mapping[str, Any]) -> str:
        key = self._usually(HERS, [HIS, KEY])
        jwk = {name: key.jwk[name] for name in ("kty", "crv", "x")}
        return self._signed({"typ": self._usually(typ, HEADER["typ"]), "jwk": jwk}, claims, key)

    def _signed(self, header: Mapping[str, Any], claims: Mapping[str, Any], key: SigningKey) -> str:
        """The one or the other exchanged for something else, and signed."""
        means = {name: HEADER[name] for name in HEADER if name != "kid" or name in header}
        header, claims = self._exchanged({"alg": "EdDSA", **header}, means, 0.06), self._exchanged(claims, CLAIMS, 0.12)
        for name in [name for name in ("nbf", "exp", "iat") if name in claims and self._happens(0.1)]:
            claims[name] = self._usually(self._now + self._chance.choice(SECONDS), NO_TIMES)
        signed = f"{written(header)}.{written(claims)}"
        return f"{signed}.{encoded(key.sign(signed.encode()))}"

    def _exchanged(self, document: Mapping[str, Any], by: Mapping[str, Sequence[Any]], share: float) -> dict[str, Any]:
        changed = dict(document)
        if self._happens(share):
            name = self._chance.choice(list(by))
            changed[name] = self._chance.choice(by[name])
        return changed

    def _attempt(self) -> Attempt:
        resource = self._chance.choice(ITEMS)
        for _ in range(self._chance.choice([0, 0, 0, 0, 1, 2])):
            place = self._chance.randrange(len(resource) + 1)
            kept = resource[place + self._chance.choice([0, 0, 1, 3]) :]
            resource = resource[:place] + self._chance.choice(PIECES) + kept
        return Attempt(
            tenant=self._usually("contoso", ["fabrikam", "Contoso", "", None, "contoso\n"]),
            resource=resource,
            action=self._usually("read", ["export", "write", "READ", "*", "", None, "rea"]),
        )

    def _facts(self) -> Facts:
        if self._happens(0.9):
            return FACTS
        return self._chance.choice(
            [
                replace(FACTS, revoked=frozenset({"grant-0", "grant-1"})),
                replace(FACTS, revoked_keys=frozenset({KEY.kid})),
                replace(FACTS, keys=public_keys(SECOND_KEY)),
                replace(FACTS, keys=public_keys()),
            ]
        )

    def _damaged(self, case: Case) -> Case:
        """The same, but a text is not what was signed."""
        if self._happens(0.5) or not isinstance(case.shown, Dpop):
            return replace(case, token=self._torn(case.token), plain=False)
        return replace(case, shown=replace(case.shown, proof=self._torn(case.shown.proof)), plain=False)

    def _torn(self, text: str) -> Any:
        return self._chance.choice(TEARS)(text, self._chance)

    def _usually(self, usual: Any, others: Sequence[Any]) -> Any:
        return usual if self._happens(0.97) else self._chance.choice(others)

    def _happens(self, share: float) -> bool:
        return self._chance.random() < share


# --- damages -------------------------------------------------------------------------------------------------------

Tear = Callable[[str, random.Random], Any]


def letter_changed(text: str, chance: random.Random) -> str:
    place = chance.randrange(len(text))
    return text[:place] + chance.choice(LETTERS) + text[place + 1 :]


def letter_added(text: str, chance: random.Random) -> str:
    place = chance.randrange(len(text) + 1)
    return text[:place] + chance.choice(LETTERS) + text[place:]


def piece_lost(text: str, chance: random.Random) -> str:
    first, last = sorted(chance.randrange(len(text) + 1) for _ in range(2))
    return text[:first] + text[last:]


def cut(text: str, chance: random.Random) -> str:
    return text[: chance.randrange(len(text))]


def parts_exchanged(text: str, chance: random.Random) -> str:
    parts = text.split(".")
    chance.shuffle(parts)
    return ".".join(parts)


def header_exchanged(text: str, chance: random.Random) -> str:
    algorithm = chance.choice(["none", "None", "HS256", "RS256", "", "EdDSA"])
    header = encoded(json.dumps({"alg": algorithm, "typ": "lockbox-grant+jwt", "kid": KEY.kid}).encode())
    return ".".join([header, *text.split(".")[1:]])


def payload_altered(text: str, chance: random.Random) -> str:
    parts = text.split(".")
    parts[1:2] = [encoded(decoded(parts[1]).replace(b"contoso", b"fabrikam").replace(b"alice", b"bob"))]
    return ".".join(parts)


def signature_of_nothing(text: str, chance: random.Random) -> str:
    return text.rpartition(".")[0] + "." + chance.choice(["", "A" * 86, "A" * 85, "_" * 86])


def end_rewritten(text: str, chance: random.Random) -> str:
    """Another way to write the same bytes: the last letter of a signature has four bits to spare."""
    return text[:-1] + chance.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def no_token(text: str, chance: random.Random) -> Any:
    return chance.choice(["", ".", "..", "a.b.c", "e30.e30." + "A" * 86, None, 7, text.encode(), [text], text * 30])


TEARS: tuple[Tear, ...] = (
    letter_changed, letter_changed, letter_added, piece_lost, cut, parts_exchanged, header_exchanged, payload_altered,
    signature_of_nothing, end_rewritten, no_token,
)  # fmt: skip


def written(document: Mapping[str, Any]) -> str:
    """As a part of a token; what is None is left out."""
    return encoded(json.dumps({name: value for name, value in document.items() if value is not None}).encode())


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")
