"""Keys of proofs: those of the standards and of other libraries are read, everything else is refused."""

import json
from typing import Any

import jwt
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256K1, SECP256R1, SECP384R1, generate_private_key
from tests.unit.keys import signing_key

from lockbox.crypto.jws import compose, decoded, encoded
from lockbox.crypto.possession import DPOP, read
from lockbox.crypto.proof_keys import p256_jwk, proof_key, thumbprint
from lockbox.errors import Forbidden

HERS = signing_key(1)
P256 = generate_private_key(SECP256R1())
POINT = p256_jwk(P256.public_key())
OKP = {name: HERS.jwk[name] for name in ("kty", "crv", "x")}
NUMBER_OF_P256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def es256(header: dict[str, Any] | None = None, key: Any = P256, algorithm: str = "ES256") -> str:
    return jwt.encode({"jti": "1"}, key, algorithm=algorithm, headers={"typ": DPOP, "jwk": POINT} | (header or {}))


def test_thumbprint_when_the_key_is_that_of_the_standard_is_its_thumbprint() -> None:
    """RFC 8037, appendix A.3."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(jwk) == proof_key(jwk).thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_read_when_the_proof_is_that_of_the_standard_takes_it() -> None:
    """RFC 9449, section 4.2: a proof with ES256; its thumbprint is in section 6.1."""
    proof = read(
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0Rs"
        "cEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2"
        "In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2V"
        "uIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37x"
        "RZT3Lg"
    )
    assert proof.thumbprint == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    assert proof.id == "-BwC3ESc6acc2lTc"


def test_read_when_another_library_made_the_proof_with_es256_takes_it() -> None:
    assert read(es256()).thumbprint == thumbprint(POINT)


@pytest.mark.parametrize("algorithm", ["EdDSA", "Ed25519"])
def test_read_when_an_ed25519_key_has_either_name_of_its_algorithm_takes_it(algorithm: str) -> None:
    made = compose({"alg": algorithm, "typ": DPOP, "jwk": OKP}, {"jti": "1"}, HERS)
    assert read(made).thumbprint == HERS.kid


CONFUSED = {
    "es256 with an ed25519 key": {"alg": "ES256", "jwk": OKP},
    "eddsa with a p-256 key": {"alg": "EdDSA", "jwk": POINT},
    "ed25519 with a p-256 key": {"alg": "Ed25519", "jwk": POINT},
    "none": {"alg": "none", "jwk": OKP},
    "symmetric": {"alg": "HS256", "jwk": OKP},
    "another case": {"alg": "eddsa", "jwk": OKP},
    "a list": {"alg": ["EdDSA"], "jwk": OKP},
    "no text": {"alg": None, "jwk": OKP},
    "es384": {"alg": "ES384", "jwk": POINT},
    "ed448": {"alg": "Ed448", "jwk": OKP},
}


@pytest.mark.parametrize("header", CONFUSED.values(), ids=CONFUSED)
def test_read_when_algorithm_and_key_do_not_belong_together_refuses(header: dict[str, Any]) -> None:
    with pytest.raises(Forbidden, match="proof_malformed"):
        read(compose({"typ": DPOP} | header, {"jti": "1"}, HERS))


def jwk_of(curve: Any) -> dict[str, Any]:
    return jwt.algorithms.ECAlgorithm.to_jwk(generate_private_key(curve).public_key(), as_dict=True)


SHIFTED = encoded((int.from_bytes(decoded(POINT["y"])) ^ 1).to_bytes(32)).decode()
NO_POINTS: dict[str, Any] = {
    "private": POINT | {"d": POINT["x"]},
    "without y": {name: POINT[name] for name in ("kty", "crv", "x")},
    "not on the curve": POINT | {"y": SHIFTED},
    "zero": POINT | {"x": encoded(bytes(32)).decode(), "y": encoded(bytes(32)).decode()},
    "above the field": POINT | {"x": encoded(b"\xff" * 32).decode()},
    "short": POINT | {"x": POINT["x"][:-2]},
    "leading zero": POINT | {"x": encoded(b"\0" + decoded(POINT["x"])).decode()},
    "padded": POINT | {"x": POINT["x"] + "="},
    "number": POINT | {"x": 7},
    "swapped kind": POINT | {"kty": "OKP"},
    "another curve of that size": POINT | {"crv": "secp256k1"},
    "p-384": jwk_of(SECP384R1()),
    "secp256k1": jwk_of(SECP256K1()),
    "none": None,
    "list": [POINT],
}


@pytest.mark.parametrize("jwk", NO_POINTS.values(), ids=NO_POINTS)
def test_proof_key_when_it_is_no_public_key_of_a_known_kind_refuses(jwk: Any) -> None:
    with pytest.raises(Forbidden, match="token_malformed"):
        proof_key(json.loads(json.dumps(jwk)))


def signature_of(proof: str) -> tuple[int, int]:
    raw = decoded(proof.rpartition(".")[2])
    return int.from_bytes(raw[:32]), int.from_bytes(raw[32:])


@pytest.mark.parametrize(("r", "s"), [(0, 1), (1, 0), (NUMBER_OF_P256, 1), (1, NUMBER_OF_P256), (1, 1)])
def test_read_when_the_signature_is_none_of_the_key_refuses(r: int, s: int) -> None:
    signed = es256().rpartition(".")[0]
    with pytest.raises(Forbidden, match="proof_forged"):
        read(f"{signed}.{encoded(r.to_bytes(32) + s.to_bytes(32)).decode()}")


def test_read_when_another_key_signed_with_es256_refuses() -> None:
    with pytest.raises(Forbidden, match="proof_forged"):
        read(es256(key=generate_private_key(SECP256R1())))


@pytest.mark.parametrize("length", [0, 63, 65, 72])
def test_verify_when_the_signature_has_another_length_refuses(length: int) -> None:
    with pytest.raises(InvalidSignature):
        proof_key(POINT).key.verify(b"\1" * length, b"data")
