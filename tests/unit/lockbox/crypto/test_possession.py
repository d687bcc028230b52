from dataclasses import replace
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.keys import signing_key

from lockbox.crypto.jws import compose
from lockbox.crypto.possession import (
    DPOP,
    LONGEST,
    SESSION,
    Target,
    check,
    check_key,
    check_token,
    digest_of,
    prove,
    prove_session,
    read,
)
from lockbox.errors import Forbidden

HERS, HIS = signing_key(1), signing_key(2)
AT = 1_800_000_000.0
ORIGIN = "https://files.vendor.example"
URL = f"{ORIGIN}/documents/alice"
TARGET = Target("GET", URL)
TOKEN = "a.b.c"
PROOF, SESSION_PROOF = prove(HERS, TARGET, AT, "1", TOKEN), prove_session(HERS, ORIGIN, AT, "2", TOKEN)


def code_of(proof: str, target: Target = TARGET, now: float = AT) -> str:
    with pytest.raises(Forbidden) as refused:
        check(read(proof), HERS.kid, target, now)
    return refused.value.code


def signed(claims: dict[str, Any], **header: Any) -> str:
    jwk = {name: HERS.jwk[name] for name in ("kty", "crv", "x")}
    return compose({"typ": DPOP, "jwk": jwk} | header, {"jti": "1", "iat": AT} | claims, HERS)


# --- by the standards ----------------------------------------------------------------------------------------------


def test_digest_of_when_the_token_is_that_of_the_standard_is_its_digest() -> None:
    """RFC 9449, section 7.1."""
    token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
    assert digest_of(token) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"


def test_prove_when_done_is_a_proof_as_the_standard_has_it() -> None:
    """RFC 9449, section 4.2."""
    header = jwt.get_unverified_header(PROOF)
    assert header == {"alg": "EdDSA", "typ": "dpop+jwt", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": HERS.jwk["x"]}}
    claims = jwt.decode(PROOF, HERS.private.public_key(), algorithms=["EdDSA"], options={"verify_iat": False})
    assert claims == {"jti": "1", "htm": "GET", "htu": URL, "iat": int(AT), "ath": digest_of(TOKEN)}


def test_read_when_another_library_made_the_proof_takes_it() -> None:
    claims = {"jti": "x", "htm": "GET", "htu": URL, "iat": AT, "ath": digest_of(TOKEN), "nonce": "n"}
    made = jwt.encode(claims, HERS.private, algorithm="EdDSA", headers={"typ": DPOP, "jwk": HERS.jwk})
    proof = read(made)
    check(proof, HERS.kid, TARGET, AT)
    check_token(proof, TOKEN)


# --- a yes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("made", "typ"), [(PROOF, DPOP), (SESSION_PROOF, SESSION)])
def test_check_when_it_was_made_for_this_is_content(made: str, typ: str) -> None:
    proof = read(made)
    assert (proof.thumbprint, proof.typ) == (HERS.kid, typ)
    check(proof, HERS.kid, TARGET, AT)
    check(proof, None, TARGET, AT)
    check_token(proof, TOKEN)


SAME = {
    "query": URL + "?page=2",
    "empty query": URL + "?",
    "fragment": URL + "#top",
    "port": URL.replace(".example/", ".example:443/"),
    "port with a zero": URL.replace(".example/", ".example:0443/"),
    "case": URL.replace(ORIGIN, ORIGIN.upper()),
}


@pytest.mark.parametrize("url", SAME.values(), ids=SAME)
def test_check_when_the_address_is_written_in_another_way_is_content(url: str) -> None:
    check(read(PROOF), HERS.kid, Target("GET", url), AT)
    check(read(SESSION_PROOF), HERS.kid, Target("GET", url), AT)
    check(read(prove(HERS, Target("GET", url), AT, "1")), HERS.kid, TARGET, AT)
    check(read(signed({"htm": "GET", "htu": url})), HERS.kid, TARGET, AT)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8480", "http://[::1]:8480/", "http://lockbox_portal/a%2Fb;c=d!$&'~"])
def test_check_when_it_is_another_kind_of_address_is_content(url: str) -> None:
    check(read(prove(HERS, Target("PUT", url), AT, "1")), HERS.kid, Target("PUT", url), AT)


@pytest.mark.parametrize("url", ["http://a.example", "http://a.example:80", "http://a.example/", "http://A.example?x"])
def test_check_when_the_path_is_empty_it_is_the_root(url: str) -> None:
    check(read(prove(HERS, Target("GET", url), AT, "1")), HERS.kid, Target("GET", "http://a.example/"), AT)


@pytest.mark.parametrize("end", ["?page=2", "?", "#top", "?a=b#c?d"])
def test_prove_when_the_address_has_a_query_or_a_fragment_leaves_it_out(end: str) -> None:
    assert read(prove(HERS, Target("GET", URL + end), AT, "1")).claims["htu"] == URL


# --- a no ----------------------------------------------------------------------------------------------------------

ANOTHER = {
    "path": URL + "/inbox",
    "path's case": URL.replace("alice", "Alice"),
    "escape": URL.replace("alice", "%61lice"),
    "slash": URL + "/",
    "double slash": URL.replace("/documents", "//documents"),
    "host": URL.replace("vendor", "evil"),
    "host's end": URL.replace(".example/", ".example.evil/"),
    "host's dot": URL.replace(".example/", ".example./"),
    "port": URL.replace(".example/", ".example:8443/"),
    "no port": URL.replace(".example/", ".example:/"),
    "long port": URL.replace(".example/", ".example:000443/"),
    "scheme": URL.replace("https", "http"),
    "other scheme": URL.replace("https", "ftp"),
    "user": URL.replace("https://", "https://eve@"),
    "space": " " + URL,
    "newline": URL + "\n",
    "newline within": URL.replace("alice", "al\nice"),
    "tab within": URL.replace("alice", "al\tice"),
    "look-alike": URL.replace("alice", "al\u0456ce"),
    "look-alike scheme": URL.replace("https", "http\u017f"),
    "surrogate": URL + "\ud800",
    "no address": "https://[/",
    "empty": "",
    "path alone": "/documents/alice",
    "none": None,
    "number": 7,
    "list": [URL],
}


@pytest.mark.parametrize("url", ANOTHER.values(), ids=ANOTHER)
def test_check_when_the_address_is_another_one_refuses(url: Any) -> None:
    assert code_of(PROOF, Target("GET", url)) == "proof_of_another_request"
    if not isinstance(url, str) or url.isprintable():
        assert code_of(signed({"htm": "GET", "htu": url})) == "proof_of_another_request"


@pytest.mark.parametrize("origin", [URL, ORIGIN + "/", ORIGIN + ":443", ORIGIN.upper(), "", None, 7, [ORIGIN]])
def test_check_when_a_session_is_for_no_origin_or_another_one_refuses(origin: Any) -> None:
    assert code_of(signed({"aud": origin}, typ=SESSION)) == "proof_of_another_request"


@pytest.mark.parametrize("method", ["PUT", "get", "GET ", "", None, ["GET"]])
def test_check_when_the_method_is_another_one_refuses(method: Any) -> None:
    assert code_of(PROOF, Target(method, URL)) == "proof_of_another_request"
    assert code_of(signed({"htm": method, "htu": URL})) == "proof_of_another_request"


def test_check_when_neither_says_a_method_refuses() -> None:
    assert code_of(signed({"htu": URL}), Target(None, URL)) == "proof_of_another_request"  # type: ignore[arg-type]


def test_check_when_the_type_is_the_other_one_does_not_count_as_it() -> None:
    assert code_of(signed({"aud": ORIGIN})) == "proof_of_another_request"
    assert code_of(signed({"htm": "GET", "htu": URL}, typ=SESSION)) == "proof_of_another_request"


@pytest.mark.parametrize(("made", "lives"), [(PROOF, 60), (SESSION_PROOF, 300)])
def test_check_when_its_time_is_over_or_has_not_come_refuses(made: str, lives: int) -> None:
    for now in (AT - 60, AT, AT + lives):
        check(read(made), HERS.kid, TARGET, now)
    for now in (AT - 60.01, AT + lives + 0.01):
        assert code_of(made, now=now) == "proof_stale"


@pytest.mark.parametrize("at", [None, True, "1800000000", [], 1e308, -1e308])
def test_check_when_its_time_is_no_time_refuses(at: Any) -> None:
    assert code_of(signed({"htm": "GET", "htu": URL, "iat": at})) == "proof_stale"


def test_check_key_when_it_is_by_another_key_refuses() -> None:
    with pytest.raises(Forbidden, match="proof_of_another_key"):
        check_key(read(PROOF), HIS.kid)
    with pytest.raises(Forbidden, match="proof_of_another_key"):
        check(read(prove(HIS, TARGET, AT, "1")), HERS.kid, TARGET, AT)


@pytest.mark.parametrize("digest", ["", None, digest_of("a.b.d"), digest_of(TOKEN) + "=", TOKEN])
def test_check_token_when_it_was_made_with_another_grant_refuses(digest: str | None) -> None:
    proof = read(signed({"ath": digest}))
    with pytest.raises(Forbidden, match="proof_of_another_grant"):
        check_token(proof, TOKEN)


@pytest.mark.parametrize("url", ["", "files.vendor.example", "https://", "ftp://a.example", URL + " ", URL + "\n"])
def test_check_when_both_addresses_are_none_refuses(url: str) -> None:
    assert code_of(prove(HERS, Target("GET", url), AT, "1"), Target("GET", url)) == "proof_of_another_request"


def test_read_when_another_key_signed_it_refuses() -> None:
    forged = compose({"typ": DPOP, "jwk": HERS.jwk}, {"jti": "1"}, HIS)
    with pytest.raises(Forbidden, match="proof_forged"):
        read(forged)


NO_KEYS: dict[str, Any] = {
    "none": None,
    "text": HERS.jwk["x"],
    "list": [HERS.jwk],
    "empty": {},
    "private": {**HERS.jwk, "d": "x"},
    "another curve": {**HERS.jwk, "crv": "X25519"},
    "another type": {**HERS.jwk, "kty": "EC"},
    "symmetric": {"kty": "oct", "k": "x"},
    "short": {**HERS.jwk, "x": HERS.jwk["x"][:-2]},
    "padded": {**HERS.jwk, "x": HERS.jwk["x"] + "="},
    "written otherwise": {**HERS.jwk, "x": HERS.jwk["x"][:-1] + "_"},
    "number": {**HERS.jwk, "x": 7},
    "without": {"kty": "OKP", "crv": "Ed25519"},
}


@pytest.mark.parametrize("jwk", NO_KEYS.values(), ids=NO_KEYS)
def test_read_when_the_key_is_none_that_counts_refuses(jwk: Any) -> None:
    with pytest.raises(Forbidden, match="proof_malformed"):
        read(signed({}, jwk=jwk))


@pytest.mark.parametrize("typ", ["JWT", "lockbox-grant+jwt", "DPOP+JWT", "", None])
def test_read_when_it_is_of_another_type_refuses(typ: str | None) -> None:
    with pytest.raises(Forbidden, match="proof_malformed"):
        read(signed({}, typ=typ))


@pytest.mark.parametrize("jti", [None, "", 7, "x" * 129, ["1"]])
def test_read_when_it_has_no_id_refuses(jti: Any) -> None:
    with pytest.raises(Forbidden, match="proof_malformed"):
        read(signed({"jti": jti}))
    assert read(signed({"jti": "x" * 128})).id == "x" * 128


def test_read_when_it_is_long_refuses() -> None:
    for made in (signed({"note": "x" * LONGEST}), "a" * 10**7):
        with pytest.raises(Forbidden, match="proof_malformed"):
            read(made)


@given(st.text() | st.binary() | st.none() | st.integers() | st.text("abc019-_.", max_size=50))
def test_read_when_given_anything_at_all_forbids(made: Any) -> None:
    with pytest.raises(Forbidden, match="proof_"):
        read(made)


@given(st.text() | st.none() | st.integers(), st.text() | st.none())
def test_check_when_the_request_is_anything_at_all_forbids(url: Any, method: Any) -> None:
    proof = read(PROOF)
    with pytest.raises(Forbidden, match="proof_of_another_request"):
        check(proof, HERS.kid, Target(method, url), AT)
    with pytest.raises(Forbidden, match="proof_of_another_request"):
        check(replace(proof, typ=SESSION), HERS.kid, Target(method, url), AT)
