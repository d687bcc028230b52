"""The credentials of a request: a grant, and the proof that the sender holds the key that it is bound to.

`Authorization: DPoP <grant>` with the header `DPoP: <proof>` (RFC 9449); `Authorization: Bearer <grant>` over mutual
TLS, where a proxy puts the client's certificate into a header (RFC 8705); from a browser the cookies `lockbox_grant`
and `lockbox_proof`. More than one of them is `credentials_ambiguous`. Other schemes are the product's own.

A browser sends cookies with requests that other sites cause. So a request that may change something counts with cookies
only if it comes from a page of the product, or from no page at all (`Sec-Fetch-Site`, or `Origin` of older browsers).
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import unquote

from lockbox.crypto.jws import encoded
from lockbox.crypto.possession import ADDRESS
from lockbox.errors import Forbidden, invalid
from lockbox.faults import Expected
from lockbox.guard.decision import Certificate, Dpop, Shown
from lockbox.guard.request import Headers, Request

GRANT_COOKIE, PROOF_COOKIE = "lockbox_grant", "lockbox_proof"
OURS = re.compile(r"(?:^|,)\s*(?:dpop|bearer)\s", re.IGNORECASE)
ONE = re.compile(r"(dpop|bearer) +([A-Za-z0-9._~+/=-]+)\Z", re.IGNORECASE)
THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}\Z")
HEX_DIGEST = re.compile(r"[0-9A-Fa-f]{64}\Z")
DER_SEQUENCE = b"\x30"
PATH = 4
"""The group of `ADDRESS` that is the path."""
NOT_BASE64 = re.compile(r"-----(?:BEGIN|END) CERTIFICATE-----|\s")
OWN_SITE = ("same-origin", "none")

Read = tuple[str | None, Shown]


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader of credentials. `origin` is the address of proofs; `certificate_header` is set where TLS ends, always.

    Raises `Invalid` for a text that is not an origin.
    """

    origin: str
    certificate_header: str | None = None

    def __post_init__(self) -> None:
        found = ADDRESS.match(f"{self.origin}/")
        if found is None or found[PATH] != "/":
            raise invalid("origin", Expected("not_an_origin"), self.origin, "guard_settings")

    def read(self, request: Request) -> Read:
        """Return the grant and its proof; raises `Forbidden`: `credentials_ambiguous` or `cross_site`."""
        header, cookies = _authorization(request.headers), _cookies(request.headers)
        if header and cookies:
            raise ambiguous("a grant came in a header and another one in a cookie")
        if cookies:
            self._require_own_site(request)
            return cookies[0], self._dpop(cookies[1], request)
        if header is None:
            return None, None
        scheme, grant = header
        if scheme == "dpop":
            return grant, self._dpop(_only(request.headers("dpop"), "proof"), request)
        return grant, self._certificate(request.headers)

    def _dpop(self, proof: str | None, request: Request) -> Shown:
        return Dpop(proof, request.method, self.origin + request.address) if proof else None

    def _certificate(self, headers: Headers) -> Shown:
        if self.certificate_header is None:
            return None
        thumbprint = _thumbprint(_only(headers(self.certificate_header.lower()), "certificate") or "")
        return Certificate(thumbprint) if thumbprint else None

    def _require_own_site(self, request: Request) -> None:
        if not request.changes:
            return
        site = request.headers("sec-fetch-site")
        own = site[0] in OWN_SITE if len(site) == 1 else not site and list(request.headers("origin")) == [self.origin]
        if not own:
            raise Forbidden("cross_site", "another site caused the browser's request")


def ambiguous(message: str) -> Forbidden:
    """Return the error for several credentials, or one that can be read in two ways."""
    return Forbidden("credentials_ambiguous", message)


def _authorization(headers: Headers) -> tuple[str, str] | None:
    """Return the scheme in lower case and the grant; None without the header, or with one of the product's own."""
    values = headers("authorization")
    if len(values) > 1:
        raise ambiguous("expected one header Authorization")
    if not values or not OURS.search(values[0]):
        return None
    found = ONE.match(values[0])
    if found is None:
        raise ambiguous("expected one grant in the header Authorization")
    return found[1].lower(), found[2]


def _cookies(headers: Headers) -> tuple[str, str | None] | None:
    pairs = [part.strip().partition("=") for value in headers("cookie") for part in value.split(";")]
    grant = _only([value for name, _, value in pairs if name == GRANT_COOKIE], "grant")
    proof = _only([value for name, _, value in pairs if name == PROOF_COOKIE], "proof")
    return (grant, proof) if grant else None


def _only(values: Sequence[str], name: str) -> str | None:
    """Return the only value; servers join several headers with a comma, which no value contains."""
    if len(values) > 1 or any("," in value for value in values):
        raise ambiguous(f"expected one {name}")
    return values[0] if values else None


def _thumbprint(value: str) -> str | None:
    """Return a certificate's thumbprint, given as such, as hexadecimal SHA-256, or as escaped PEM."""
    if THUMBPRINT.match(value):
        return value
    if HEX_DIGEST.match(value):
        return encoded(bytes.fromhex(value)).decode()
    try:
        der = base64.b64decode(NOT_BASE64.sub("", unquote(value)), validate=True)
    except ValueError:
        return None
    return encoded(sha256(der).digest()).decode() if der.startswith(DER_SEQUENCE) else None
