import base64
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.keys import signing_key

from lockbox.crypto.jws import LONGEST, Jws, compose, decoded, encoded, parse
from lockbox.errors import Forbidden

KEY, OTHER_KEY = signing_key(1), signing_key(2)
PUBLIC = KEY.private.public_key()
HEADER, PAYLOAD = {"typ": "a+jwt", "kid": KEY.kid}, {"sub": "erin@vendor.example", "n": 1}
TOKEN = compose(HEADER, PAYLOAD, KEY)


def part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def refusal_of(made: object, *types: str) -> str:
    with pytest.raises(Forbidden) as refused:
        parse(made, *(types or ("a+jwt",)))
    return refused.value.code


def test_verify_when_the_signature_is_that_of_the_standard_accepts_it() -> None:
    """RFC 8037, appendix A.4."""
    key = Ed25519PublicKey.from_public_bytes(decoded("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"))
    signed = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    Jws({}, {}, signed, decoded(signature)).verify(key)
    with pytest.raises(Forbidden, match="token_forged"):
        Jws({}, {}, signed + b"x", decoded(signature)).verify(key)


def test_compose_when_done_is_a_token_for_every_reader() -> None:
    assert jwt.get_unverified_header(TOKEN) == {"alg": "EdDSA", **HEADER}
    assert jwt.decode(TOKEN, PUBLIC, algorithms=["EdDSA"]) == PAYLOAD


def test_parse_when_another_library_wrote_it_reads_the_same() -> None:
    made = jwt.encode(PAYLOAD, KEY.private, algorithm="EdDSA", headers=HEADER)
    jws = parse(made, "b+jwt", "a+jwt")
    jws.verify(PUBLIC)
    assert (jws.header, jws.payload) == ({"alg": "EdDSA", **HEADER}, PAYLOAD)


def test_verify_when_another_key_signed_it_refuses() -> None:
    with pytest.raises(Forbidden, match="token_forged"):
        parse(TOKEN, "a+jwt").verify(OTHER_KEY.private.public_key())


def test_parse_when_it_is_too_long_refuses_and_not_sooner() -> None:
    notes = ("x" * size for size in range(LONGEST * 3 // 4 - 200, LONGEST * 3 // 4))
    for made in (compose(HEADER, {"note": note}, KEY) for note in notes):
        if len(made) <= LONGEST:
            assert parse(made, "a+jwt").payload["note"]
        else:
            assert refusal_of(made) == "token_malformed"
    assert len(made) > LONGEST


@pytest.mark.parametrize(
    "header",
    [b"[]", b"null", b"7", b"", b"{", b"\xff", b"{}", b'{"typ":"a+jwt"}', b'{"typ":"a+jwt","alg":"none"}', b"[" * 5000],
)
def test_parse_when_the_header_is_none_refuses(header: bytes) -> None:
    assert refusal_of(f"{part(header)}.{TOKEN.split('.', 1)[1]}") == "token_malformed"


@pytest.mark.parametrize("payload", [b"[]", b"null", b'"x"', b"{", b"\xff", b'{"n": NaN}', b"{}{}"])
def test_parse_when_the_payload_is_none_refuses(payload: bytes) -> None:
    head, _, signature = TOKEN.split(".")
    assert refusal_of(f"{head}.{part(payload)}.{signature}") == "token_malformed"


@pytest.mark.parametrize("extra", [{"crit": []}, {"crit": ["exp"]}, {"b64": False}, {"b64": True}])
def test_parse_when_the_header_asks_for_an_extension_refuses(extra: dict[str, Any]) -> None:
    assert refusal_of(compose(HEADER | extra, PAYLOAD, KEY)) == "token_malformed"


def test_parse_when_no_type_was_asked_for_takes_none() -> None:
    with pytest.raises(Forbidden, match="token_malformed"):
        parse(TOKEN)


@given(st.binary())
def test_decoded_when_it_was_encoded_is_the_same(data: bytes) -> None:
    assert decoded(encoded(data).decode()) == data


@given(st.text("ABCabc019-_=+/ \n", max_size=12) | st.text(max_size=12))
def test_decoded_when_given_anything_takes_the_one_way_to_write_it(text: str) -> None:
    try:
        data = decoded(text)
    except Forbidden as refused:
        if refused.code != "token_malformed":
            raise
        return
    assert encoded(data).decode() == text


def test_compose_when_given_the_same_gives_the_same_whatever_the_order() -> None:
    assert compose(HEADER, json.loads('{"n": 1, "sub": "erin@vendor.example"}'), KEY) == TOKEN
