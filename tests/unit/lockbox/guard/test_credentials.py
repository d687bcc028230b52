"""One grant and one proof, or none: what could be two is refused."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from lockbox.crypto.jws import encoded
from lockbox.errors import Forbidden, Invalid
from lockbox.guard.credentials import Read, Reader
from lockbox.guard.decision import Certificate, Dpop
from lockbox.guard.request import Request

ORIGIN = "https://files.vendor.example"
THUMBPRINT = "A" * 43
Fields = list[tuple[str, str]]


def read(*fields: tuple[str, str], method: str = "GET", websocket: bool = False, header: str | None = None) -> Read:
    """What is read from the headers of a request for /alice, each as often as it stands here."""

    def values(name: str) -> list[str]:
        return [value for field, value in fields if field.lower() == name]

    return Reader(ORIGIN, header).read(Request(method, "/alice", "/alice", values, websocket))


def refused(*fields: tuple[str, str], method: str = "GET", websocket: bool = False, header: str | None = None) -> str:
    with pytest.raises(Forbidden) as error:
        read(*fields, method=method, websocket=websocket, header=header)
    return error.value.code


def dpop(proof: str, method: str = "GET") -> Dpop:
    return Dpop(proof, method, f"{ORIGIN}/alice")


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP", "dPoP "])
def test_header_when_it_holds_a_grant_and_a_proof_gives_both(scheme: str) -> None:
    found = read(("Authorization", f"{scheme} a.b.c"), ("DPoP", "d.e.f"), method="PUT")
    assert found == ("a.b.c", dpop("d.e.f", "PUT"))


def test_header_when_the_proof_is_missing_gives_the_grant_alone() -> None:
    assert read(("Authorization", "DPoP a.b.c")) == ("a.b.c", None)


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [("DPoP", "d.e.f")],
        [("Authorization", "Basic ZXJpbjpzZWNyZXQ=")],
        [("Authorization", 'Digest username="dpop", realm="bearer x"')],
        [("Authorization", "DPoP")],
        [("Authorization", "")],
        [("Cookie", "theme=dark; lockbox_proof=d.e.f")],
        [("Cookie", "Lockbox_Grant=a.b.c")],
        [("Cookie", "lockbox_grant=; lockbox_proof=d.e.f")],
        [("Cookie", "lockbox_grant")],
    ],
)
def test_request_when_it_has_no_grant_of_lockbox_gives_none(fields: Fields) -> None:
    assert read(*fields) == (None, None)


@pytest.mark.parametrize(
    "fields",
    [
        [("Authorization", "DPoP a.b.c"), ("Authorization", "DPoP a.b.c"), ("DPoP", "d.e.f")],
        [("Authorization", "DPoP a.b.c"), ("Authorization", "Basic x"), ("DPoP", "d.e.f")],
        [("Authorization", "DPoP a.b.c,DPoP x.y.z"), ("DPoP", "d.e.f")],
        [("Authorization", "DPoP a.b.c, DPoP x.y.z"), ("DPoP", "d.e.f")],
        [("Authorization", "Basic x,DPoP a.b.c"), ("DPoP", "d.e.f")],
        [("Authorization", "Basic x, Bearer a.b.c")],
        [("Authorization", "DPoP a.b.c x.y.z"), ("DPoP", "d.e.f")],
        [("Authorization", "DPoP a.b.c"), ("DPoP", "d.e.f"), ("DPoP", "d.e.f")],
        [("Authorization", "DPoP a.b.c"), ("DPoP", "d.e.f, g.h.i")],
        [("Authorization", "DPoP a.b.c"), ("DPoP", "d.e.f,g.h.i")],
        [("Authorization", "DPoP a.b.c"), ("DPoP", "d.e.f"), ("Cookie", "lockbox_grant=a.b.c; lockbox_proof=d.e.f")],
        [("Authorization", "Bearer a.b.c"), ("Cookie", "lockbox_grant=a.b.c; lockbox_proof=d.e.f")],
        [("Cookie", "lockbox_grant=a.b.c; lockbox_grant=x.y.z; lockbox_proof=d.e.f")],
        [("Cookie", "lockbox_grant=a.b.c; lockbox_proof=d.e.f; lockbox_proof=d.e.f")],
        [("Cookie", "lockbox_grant=a.b.c; lockbox_proof=d.e.f"), ("Cookie", "lockbox_grant=x.y.z")],
        [("Cookie", "lockbox_grant=a.b.c, lockbox_grant=x.y.z; lockbox_proof=d.e.f")],
    ],
)
def test_request_when_more_than_one_thing_is_shown_is_refused(fields: Fields) -> None:
    assert refused(*fields) == "credentials_ambiguous"


def test_cookies_when_there_are_several_headers_of_them_are_all_read() -> None:
    fields = [("Cookie", "theme=dark; lockbox_grant=a.b.c"), ("Cookie", "lockbox_proof=d.e.f")]
    assert read(*fields) == ("a.b.c", dpop("d.e.f"))


def test_cookies_when_the_product_has_an_authorization_of_its_own_count() -> None:
    fields = [("Authorization", "Basic x"), ("Cookie", "lockbox_grant=a.b.c; lockbox_proof=d.e.f")]
    assert read(*fields) == ("a.b.c", dpop("d.e.f"))


# --- who made the browser ask --------------------------------------------------------------------------------------

OWN: list[Fields] = [
    [("Sec-Fetch-Site", "same-origin")],
    [("Sec-Fetch-Site", "none")],
    [("Sec-Fetch-Site", "same-origin"), ("Origin", ORIGIN)],
    [("Origin", ORIGIN)],
]
FOREIGN: list[Fields] = [
    [],
    [("Sec-Fetch-Site", "cross-site")],
    [("Sec-Fetch-Site", "same-site")],
    [("Sec-Fetch-Site", "cross-site"), ("Origin", ORIGIN)],
    [("Sec-Fetch-Site", "Same-Origin")],
    [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")],
    [("Sec-Fetch-Site", "same-origin, cross-site")],
    [("Origin", "null")],
    [("Origin", "https://evil.example")],
    [("Origin", f"{ORIGIN}.evil.example")],
    [("Origin", "http://files.vendor.example")],
    [("Origin", f"{ORIGIN}:8443")],
    [("Origin", ORIGIN), ("Origin", "https://evil.example")],
    [("Referer", f"{ORIGIN}/alice")],
]
COOKIES = ("Cookie", "lockbox_grant=a.b.c; lockbox_proof=d.e.f")


@pytest.mark.parametrize("fields", OWN)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "MERGE"])
def test_cookies_when_the_products_own_page_changes_something_count(fields: Fields, method: str) -> None:
    assert read(COOKIES, *fields, method=method) == ("a.b.c", dpop("d.e.f", method))


@pytest.mark.parametrize("fields", FOREIGN)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "MERGE", "get"])
def test_cookies_when_another_page_changes_something_are_refused(fields: Fields, method: str) -> None:
    assert refused(COOKIES, *fields, method=method) == "cross_site"


@pytest.mark.parametrize("fields", FOREIGN)
def test_cookies_when_another_page_opens_a_websocket_are_refused(fields: Fields) -> None:
    assert refused(COOKIES, *fields, websocket=True) == "cross_site"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_cookies_when_something_is_only_read_count_whoever_linked_to_it(method: str) -> None:
    assert read(COOKIES, ("Sec-Fetch-Site", "cross-site"), method=method)[0] == "a.b.c"


def test_header_when_another_page_changes_something_counts_as_no_browser_adds_it() -> None:
    fields = [("Authorization", "DPoP a.b.c"), ("DPoP", "d.e.f"), ("Sec-Fetch-Site", "cross-site")]
    assert read(*fields, method="POST") == ("a.b.c", dpop("d.e.f", "POST"))


# --- certificates --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate() -> x509.Certificate:
    key, name, now = Ed25519PrivateKey.generate(), x509.Name([]), datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return made.sign(key, None)


def test_certificate_when_told_in_any_of_its_forms_is_known_by_its_thumbprint(certificate: x509.Certificate) -> None:
    digest = certificate.fingerprint(hashes.SHA256())
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    bare = "".join(pem.splitlines()[1:-1])
    expected = ("a.b.c", Certificate(encoded(digest).decode()))
    for told in (encoded(digest).decode(), digest.hex(), digest.hex().upper(), quote(pem), quote(bare, safe=""), bare):
        fields = [("Authorization", "Bearer a.b.c"), ("X-Client-Cert", told)]
        assert read(*fields, header="X-Client-Cert") == expected, told


def test_certificate_when_no_header_is_configured_does_not_count() -> None:
    fields = [("Authorization", "Bearer a.b.c"), ("X-Client-Cert", THUMBPRINT)]
    assert read(*fields) == ("a.b.c", None)
    assert read(*fields, header="X-Other") == ("a.b.c", None)


@pytest.mark.parametrize("told", ["", "-", "NONE", "A" * 42, "A" * 63, "not base64 !", "%00"])
def test_certificate_when_there_is_none_does_not_count(told: str) -> None:
    fields = [("Authorization", "Bearer a.b.c"), ("X-Client-Cert", told)]
    assert read(*fields, header="X-Client-Cert") == ("a.b.c", None)


def test_certificate_when_told_twice_is_refused() -> None:
    fields = [("Authorization", "Bearer a.b.c"), ("X-Client-Cert", THUMBPRINT), ("X-Client-Cert", "B" * 43)]
    assert refused(*fields, header="X-Client-Cert") == "credentials_ambiguous"
    joined = [("Authorization", "Bearer a.b.c"), ("X-Client-Cert", f"{THUMBPRINT}, {'B' * 43}")]
    assert refused(*joined, header="X-Client-Cert") == "credentials_ambiguous"


def test_certificate_when_the_grant_comes_with_a_proof_is_not_looked_at() -> None:
    fields = [("Authorization", "DPoP a.b.c"), ("DPoP", "d.e.f"), ("X-Client-Cert", THUMBPRINT)]
    assert read(*fields, header="X-Client-Cert") == ("a.b.c", dpop("d.e.f"))


@pytest.mark.parametrize("origin", ["https://files.vendor.example", "http://127.0.0.1:8490", "https://[::1]:8443"])
def test_reader_when_its_origin_is_one_is_made(origin: str) -> None:
    assert Reader(origin).origin == origin


@pytest.mark.parametrize(
    "origin",
    ["", "files.vendor.example", "https://", "https://a.example/", "https://a.example/x", "https://a.example?x", "*"],
)
def test_reader_when_its_origin_is_none_says_so(origin: str) -> None:
    with pytest.raises(Invalid, match="origin: expected one such as"):
        Reader(origin)


NAMES = st.sampled_from(["Authorization", "DPoP", "Cookie", "Sec-Fetch-Site", "Origin", "X-Client-Cert"])
PIECES = st.sampled_from(
    ["DPoP ", "bearer ", "a.b.c", ", ", ";", "=", "lockbox_grant", "lockbox_proof", "%zz", "\x00", "\xff", " ", ORIGIN]
)


@given(
    st.lists(st.tuples(NAMES, st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=20)), max_size=5),
    st.sampled_from(["GET", "POST"]),
)
def test_request_when_its_headers_are_nonsense_is_read_or_refused(fields: Fields, method: str) -> None:
    try:
        grant, shown = read(*fields, method=method, header="X-Client-Cert")
    except Forbidden as error:
        if error.code not in ("credentials_ambiguous", "cross_site"):
            raise
        return
    assert grant is None or "," not in grant
    assert shown is None or grant
