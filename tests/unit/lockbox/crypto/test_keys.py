import base64
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from tests.unit.keys import public_keys, signing_key

from lockbox.crypto.keys import PublicKeys, generate_signing_key, load_signing_key, public_jwk
from lockbox.errors import Invalid

RFC_8037_PRIVATE = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
RFC_8037_PUBLIC = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
RFC_8037_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def raw(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=")


def pem(key: Any, encryption: Any = None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())  # type: ignore[no-any-return]


def test_public_jwk_when_of_the_key_of_rfc_8037_has_its_thumbprint() -> None:
    private = ed25519.Ed25519PrivateKey.from_private_bytes(raw(RFC_8037_PRIVATE))
    jwk = public_jwk(private.public_key())
    assert jwk["x"] == RFC_8037_PUBLIC
    assert jwk["kid"] == RFC_8037_THUMBPRINT
    assert jwk == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": RFC_8037_PUBLIC,
        "kid": RFC_8037_THUMBPRINT,
        "alg": "EdDSA",
        "use": "sig",
    }


def test_jwk_when_of_a_signing_key_holds_the_public_half_alone() -> None:
    assert "d" not in signing_key().jwk
    assert signing_key().jwk["kid"] == signing_key().kid
    assert signing_key(1).kid != signing_key(2).kid


def test_generate_when_made_is_for_its_owner_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        generate_signing_key(tmp_path / "key.pem")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key.pem").stat().st_mode) == 0o600


def test_generate_when_loaded_is_the_same_key_each_time(tmp_path: Path) -> None:
    generate_signing_key(tmp_path / "key.pem")
    assert load_signing_key(tmp_path / "key.pem").jwk == load_signing_key(tmp_path / "key.pem").jwk


def test_generate_when_made_twice_makes_two_keys(tmp_path: Path) -> None:
    for name in ("one", "other"):
        generate_signing_key(tmp_path / name)
    assert load_signing_key(tmp_path / "one").kid != load_signing_key(tmp_path / "other").kid


def test_generate_when_something_is_there_refuses_to_overwrite_it(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    generate_signing_key(path)
    kept = path.read_bytes()
    with pytest.raises(FileExistsError):
        generate_signing_key(path)
    assert path.read_bytes() == kept


def test_generate_when_a_link_leads_elsewhere_refuses_to_follow_it(tmp_path: Path) -> None:
    (tmp_path / "key.pem").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        generate_signing_key(tmp_path / "key.pem")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    "make",
    [
        lambda: pem(rsa.generate_private_key(65537, 2048)),
        lambda: pem(ec.generate_private_key(ec.SECP256R1())),
        lambda: pem(x25519.X25519PrivateKey.generate()),
        lambda: pem(ed448.Ed448PrivateKey.generate()),
        lambda: pem(signing_key().private, serialization.BestAvailableEncryption(b"x")),
        lambda: signing_key().private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        lambda: pem(signing_key().private)[:60],
        lambda: b"",
        lambda: b"\xff\x00",
        lambda: b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ],
    ids=["rsa", "ec", "x25519", "ed448", "encrypted", "public", "cut", "empty", "bytes", "nonsense"],
)
def test_load_when_it_is_no_ed25519_private_key_says_which_file(tmp_path: Path, make: Callable[[], bytes]) -> None:
    (tmp_path / "key.pem").write_bytes(make())
    with pytest.raises(Invalid) as refused:
        load_signing_key(tmp_path / "key.pem")
    assert refused.value.code == "key_file"
    assert str(tmp_path / "key.pem") in refused.value.message


def test_load_when_there_is_no_file_says_which(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.pem", tmp_path):
        with pytest.raises(Invalid) as refused:
            load_signing_key(path)
        assert refused.value.code == "key_file"
        assert str(path) in refused.value.message


def test_from_jwks_when_keys_are_of_other_kinds_passes_over_them() -> None:
    others = [
        {"kty": "RSA", "n": "x", "e": "AQAB"},
        {"kty": "OKP", "crv": "X25519", "x": RFC_8037_PUBLIC},
        {"kty": "EC", "crv": "P-256", "x": "x", "y": "y"},
        {"kty": "oct", "k": "c2VjcmV0"},
    ]
    keys = PublicKeys.from_jwks([*others, signing_key().jwk])
    assert set(keys.by_kid) == {signing_key().kid}


def test_from_jwks_when_a_key_claims_another_id_is_known_by_its_thumbprint() -> None:
    claimed = signing_key(1).jwk | {"kid": signing_key(2).kid}
    assert set(PublicKeys.from_jwks([claimed]).by_kid) == {signing_key(1).kid}


def test_from_jwks_when_there_are_several_knows_them_all() -> None:
    assert set(public_keys(signing_key(1), signing_key(2)).by_kid) == {signing_key(1).kid, signing_key(2).kid}
    assert PublicKeys.from_jwks([]).by_kid == {}


@pytest.mark.parametrize(
    "keys",
    [
        None,
        7,
        "keys",
        {"keys": []},
        [None],
        ["key"],
        [[]],
        [7],
        [{}],
        [{"kty": "OKP", "crv": "Ed25519"}],
        [{"kty": "OKP", "crv": "Ed25519", "x": None}],
        [{"kty": "OKP", "crv": "Ed25519", "x": 7}],
        [{"kty": "OKP", "crv": "Ed25519", "x": ""}],
        [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}],
        [{"kty": "OKP", "crv": "Ed25519", "x": "ä" * 43}],
        [{"kty": "OKP", "crv": "Ed25519", "x": "A"}],
        [{"kty": "OKP", "crv": "Ed25519", "x": RFC_8037_PUBLIC * 2}],
    ],
    ids=repr,
)
def test_from_jwks_when_it_is_nonsense_says_so(keys: Any) -> None:
    with pytest.raises(Invalid) as refused:
        PublicKeys.from_jwks(keys)
    assert refused.value.code == "key_set"
