import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.builders import NOW
from tests.unit.keys import public_keys, signing_key

from lockbox.crypto.jws import LONGEST, compose
from lockbox.crypto.tokens import GRANT_TOKEN, TokenKind, sign, verify
from lockbox.errors import Forbidden

KEY = signing_key()
KEYS = public_keys(KEY)
OTHER_KIND = TokenKind(typ="lockbox-caller+jwt", issuer="portal_service", audience="lockbox-rpc")
BEGIN, END = NOW - timedelta(minutes=5), NOW + timedelta(hours=4)
CLAIMS: dict[str, Any] = {
    "sub": "erin@vendor.example",
    "jti": "566924bd-d58b-45eb-a91f-e689a1d37c43",
    "nbf": BEGIN.timestamp(),
    "exp": END.timestamp(),
}


def token(claims: Mapping[str, Any] = CLAIMS, kind: TokenKind = GRANT_TOKEN, **changes: Any) -> str:
    return sign(kind, {**claims, **changes}, KEY)


def code_of(made: object, now: datetime = NOW, kind: TokenKind = GRANT_TOKEN) -> str:
    with pytest.raises(Forbidden) as refused:
        verify(kind, made, KEYS, now)
    return refused.value.code


def part(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def forged(header: object, claims: object = None, signature: str = "") -> str:
    usual = {**CLAIMS, "iss": GRANT_TOKEN.issuer, "aud": GRANT_TOKEN.audience}
    return f"{part(header)}.{part(claims or usual)}.{signature}"


def header(**changes: Any) -> dict[str, Any]:
    return {"alg": "EdDSA", "typ": GRANT_TOKEN.typ, "kid": KEY.kid, **changes}


# --- good ones -----------------------------------------------------------------------------------------------------


def test_verify_when_genuine_gives_the_claims() -> None:
    assert verify(GRANT_TOKEN, token(), KEYS, NOW) == {
        **CLAIMS,
        "iss": "approval_service",
        "aud": "lockbox-enforcement-point",
    }


def test_sign_when_done_again_gives_the_same_token() -> None:
    assert token() == token()


def test_sign_when_done_says_its_kind_and_its_key_in_the_header() -> None:
    assert jwt.get_unverified_header(token()) == {"alg": "EdDSA", "typ": "lockbox-grant+jwt", "kid": KEY.kid}


def test_verify_when_several_keys_are_known_takes_the_one_that_is_named() -> None:
    assert verify(GRANT_TOKEN, token(), public_keys(signing_key(2), KEY, signing_key(3)), NOW)


# --- time ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("now", [BEGIN, NOW, END - timedelta(microseconds=1)])
def test_verify_when_in_its_time_lets_through(now: datetime) -> None:
    assert verify(GRANT_TOKEN, token(), KEYS, now)


@pytest.mark.parametrize("now", [END, END + timedelta(microseconds=1), END + timedelta(days=400)])
def test_verify_when_its_end_has_come_is_expired(now: datetime) -> None:
    assert code_of(token(), now) == "token_expired"


@pytest.mark.parametrize("now", [BEGIN - timedelta(microseconds=1), BEGIN - timedelta(days=400)])
def test_verify_when_its_beginning_has_not_come_is_not_yet_valid(now: datetime) -> None:
    assert code_of(token(), now) == "token_not_yet_valid"


@pytest.mark.parametrize("name", ["exp", "nbf"])
@pytest.mark.parametrize("value", ["tomorrow", "9999999999", None, True, [], {"at": 1}])
def test_verify_when_a_time_is_not_a_number_is_refused(name: str, value: object) -> None:
    assert code_of(token(**{name: value})) in {"token_malformed", "token_forged"}


@pytest.mark.parametrize("name", ["exp", "nbf"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_verify_when_a_time_is_not_a_finite_number_is_refused(name: str, value: float) -> None:
    headers = {"kid": KEY.kid, "typ": GRANT_TOKEN.typ}
    claims = {**CLAIMS, "iss": GRANT_TOKEN.issuer, "aud": GRANT_TOKEN.audience, name: value}
    assert code_of(jwt.encode(claims, KEY.private, algorithm="EdDSA", headers=headers)) == "token_malformed"


@pytest.mark.parametrize(("name", "code"), [("exp", "malformed"), ("nbf", "malformed"), ("sub", "forged")])
def test_verify_when_a_claim_is_missing_is_refused(name: str, code: str) -> None:
    assert code_of(token({key: value for key, value in CLAIMS.items() if key != name})) == f"token_{code}"


@pytest.mark.parametrize("subject", [7, None, ["erin@vendor.example"], {}])
def test_verify_when_the_subject_is_not_a_string_is_refused(subject: object) -> None:
    assert code_of(token(sub=subject)) == "token_forged"


# --- other kinds ---------------------------------------------------------------------------------------------------


def test_verify_when_of_another_type_is_refused_either_way() -> None:
    assert code_of(token(kind=OTHER_KIND)) == "token_malformed"
    assert code_of(token(), kind=OTHER_KIND) == "token_malformed"


@pytest.mark.parametrize("typ", ["JWT", None, "", "LOCKBOX-GRANT+JWT", "lockbox-grant+jwt ", ["lockbox-grant+jwt"], 7])
def test_verify_when_the_type_is_not_exactly_this_is_refused(typ: object) -> None:
    made = jwt.encode(CLAIMS, KEY.private, algorithm="EdDSA", headers={"kid": KEY.kid, "typ": typ})
    assert code_of(made) == "token_malformed"


def test_verify_when_of_another_issuer_or_audience_is_refused() -> None:
    assert code_of(token(kind=TokenKind(GRANT_TOKEN.typ, "portal_service", GRANT_TOKEN.audience))) == "token_forged"
    other = TokenKind(GRANT_TOKEN.typ, GRANT_TOKEN.issuer, "lockbox-rpc")
    assert code_of(token(kind=other)) == "token_other_audience"


def test_verify_when_the_kinds_differ_in_issuer_alone_never_confuses_them() -> None:
    twin = TokenKind(GRANT_TOKEN.typ, "somebody", GRANT_TOKEN.audience)
    assert verify(twin, token(kind=twin), KEYS, NOW)
    assert code_of(token(kind=twin)) == "token_forged"


# --- forgeries -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", ""])
def test_verify_when_not_signed_at_all_is_refused(algorithm: str) -> None:
    assert code_of(forged(header(alg=algorithm))) in {"token_forged", "token_malformed"}
    without_kid = {"alg": algorithm, "typ": GRANT_TOKEN.typ}
    assert code_of(forged(without_kid)) in {"token_key_unknown", "token_malformed"}


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER, Encoding.Raw])
def test_verify_when_signed_with_the_public_key_as_a_secret_is_refused(encoding: Encoding) -> None:
    form = PublicFormat.Raw if encoding is Encoding.Raw else PublicFormat.SubjectPublicKeyInfo
    secret = KEY.private.public_key().public_bytes(encoding, form)
    signed = forged(header(alg="HS256")).removesuffix(".")
    signature = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), hashlib.sha256)).rstrip(b"=").decode()
    assert code_of(f"{signed}.{signature}") == "token_malformed"


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "Ed448", "EdDSA "])
def test_verify_when_the_header_names_another_algorithm_is_refused(algorithm: str) -> None:
    signature = token().rpartition(".")[2]
    assert code_of(forged(header(alg=algorithm), signature=signature)) == "token_malformed"


@pytest.mark.parametrize("extension", [{"crit": ["exp"]}, {"b64": False, "crit": ["b64"]}, {"crit": []}])
def test_verify_when_the_header_demands_an_extension_is_refused(extension: dict[str, object]) -> None:
    headers = {"kid": KEY.kid, "typ": GRANT_TOKEN.typ} | extension
    assert code_of(compose(headers, CLAIMS, KEY)) == "token_malformed"


def test_verify_when_the_signature_is_written_in_another_way_is_refused() -> None:
    made = token()
    twins = [made[:-1] + last for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]
    accepted = [twin for twin in twins if not refused(twin)]
    assert accepted == [made]


def test_verify_when_the_key_comes_along_in_the_header_does_not_trust_it() -> None:
    other = signing_key(2)
    headers = {"kid": other.kid, "typ": GRANT_TOKEN.typ, "jwk": other.jwk, "jku": "https://evil.example/jwks.json"}
    claims = {**CLAIMS, "iss": GRANT_TOKEN.issuer, "aud": GRANT_TOKEN.audience}
    assert code_of(jwt.encode(claims, other.private, algorithm="EdDSA", headers=headers)) == "token_key_unknown"
    assert (
        code_of(jwt.encode(claims, other.private, algorithm="EdDSA", headers=headers | {"kid": KEY.kid}))
        == "token_forged"
    )


@pytest.mark.parametrize("kid", ["", "nobody", None, KEY.kid.upper(), KEY.kid + " "])
def test_verify_when_the_key_is_unknown_says_so(kid: str | None) -> None:
    headers = {"typ": GRANT_TOKEN.typ} | ({} if kid is None else {"kid": kid})
    assert code_of(jwt.encode(CLAIMS, KEY.private, algorithm="EdDSA", headers=headers)) == "token_key_unknown"


def refused(made: str) -> bool:
    try:
        verify(GRANT_TOKEN, made, KEYS, NOW)
    except Forbidden:
        return True
    return False


@given(st.integers(0, len(token()) - 1), st.sampled_from("AQgwxyz019-_."))
def test_verify_when_a_character_is_changed_is_refused_or_means_the_same(position: int, character: str) -> None:
    original = token()
    altered = original[:position] + character + original[position + 1 :]
    try:
        claims = verify(GRANT_TOKEN, altered, KEYS, NOW)
    except Forbidden:
        return
    assert claims == verify(GRANT_TOKEN, original, KEYS, NOW)
    assert altered == original, "there is one way to write a token"


def test_verify_when_the_claims_are_exchanged_is_refused() -> None:
    [head, _, signature] = token().split(".")
    claims = {**CLAIMS, "iss": GRANT_TOKEN.issuer, "aud": GRANT_TOKEN.audience, "exp": CLAIMS["exp"] + 3600}
    assert code_of(f"{head}.{part(claims)}.{signature}") == "token_forged"


def test_verify_when_cut_short_is_refused() -> None:
    made = token()
    for end in range(len(made) - 1):
        assert code_of(made[:end]) in {"token_malformed", "token_forged", "token_key_unknown"}


# --- things that are no tokens -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "made",
    [
        None, b"", token().encode(), 7, True, [], {}, object(), "", ".", "..", "...", "a.b.c", "ä.ö.ü", "W10.e30.e30",
        "bnVsbA.e30.e30", "IjEi.e30.e30", "e30.e30.e30",
    ],
)  # fmt: skip
def test_verify_when_it_is_no_token_is_malformed(made: object) -> None:
    assert code_of(made) == "token_malformed"


def test_verify_when_huge_is_refused_unread() -> None:
    assert code_of("a" * (LONGEST + 1)) == "token_malformed"
    assert code_of(token(note="x" * LONGEST)) == "token_malformed"
    assert code_of("a" * 10**7) == "token_malformed"


def test_verify_when_not_ascii_is_refused() -> None:
    assert code_of(token() + "\u2028") == "token_malformed"
    assert code_of(token().replace("e", "е", 1)) == "token_malformed"
    assert code_of("\ud800" + token()) == "token_malformed"


@pytest.mark.parametrize("space", [" ", "\n", "\r\n", "\t", "\x00"])
def test_verify_when_there_is_space_around_it_is_refused(space: str) -> None:
    for made in (token() + space, space + token()):
        assert code_of(made) in {"token_malformed", "token_forged"}


@pytest.mark.parametrize("opening", [b'{"typ":[', b'{"a":', b"["])
def test_verify_when_the_header_is_nested_deeply_is_refused(opening: bytes) -> None:
    deep = base64.urlsafe_b64encode(opening * (11_000 // len(opening))).decode().rstrip("=")
    assert code_of(f"{deep}.e30.e30") == "token_malformed"


@given(st.text() | st.binary() | st.text("abcXYZ019-_.", max_size=60))
def test_verify_when_given_anything_at_all_forbids(made: object) -> None:
    assert code_of(made).startswith("token_")
