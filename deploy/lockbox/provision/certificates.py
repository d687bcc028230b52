"""A private certificate authority, and certificates of servers for their names (RFC 5280).

The key of the authority stays with the secrets. A server's directory gets `ca.pem` and `server.pem`, which has its key
and its certificate. The latter ends with the authority.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lockbox.provision.files import private_directory, write_for_group, write_private

VALID = timedelta(days=3650)
SLACK = timedelta(days=1)
"""The time that a clock may be behind."""

NO_USE = dict.fromkeys(
    (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    ),
    False,
)
MEMBER = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
"""The uses of a server: a member of MongoDB's replica set is a client of the others."""


SERVER = "server.pem"
CA = "ca.pem"


@dataclass(frozen=True)
class Authority:
    """The authority of a directory: `ca.pem` for all that verify, `ca.key` for itself alone."""

    directory: Path

    @property
    def certificate_file(self) -> Path:
        """The file of the certificate."""
        return self.directory / CA

    def ensure(self, now: datetime) -> None:
        """Create the authority, unless it exists."""
        if self._key_file.exists() and self.certificate_file.exists():
            return
        private_directory(self.directory)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(f"Lockbox CA of {now:%Y-%m-%d}")
        made = (
            _builder(name, key.public_key(), now, now + VALID)
            .issuer_name(name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(x509.KeyUsage(**NO_USE | {"key_cert_sign": True}), critical=True)
        )
        write_private(self._key_file, _pem(key))
        write_private(self.certificate_file, _text(made.sign(key, hashes.SHA256())))

    def equip(self, directory: Path, names: Iterable[str], now: datetime) -> None:
        """Write the two files of a server, for its group to read."""
        write_for_group(directory / CA, self.certificate_file.read_text())
        write_for_group(directory / SERVER, self.issue(names, now))

    def issue(self, names: Iterable[str], now: datetime) -> str:
        """Return the key and the certificate of a server with these names and IP addresses, in PEM."""
        issuer = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        made = (
            _builder(_name("Lockbox"), key.public_key(), now, issuer.not_valid_after_utc)
            .issuer_name(issuer.subject)
            .add_extension(alternatives, critical=False)
            .add_extension(MEMBER, critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**NO_USE | {"digital_signature": True}), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        return _pem(key) + _text(made.sign(self._key, hashes.SHA256()))

    @property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        key = serialization.load_pem_private_key(self._key_file.read_bytes(), password=None)
        return cast("ec.EllipticCurvePrivateKey", key)

    @property
    def _key_file(self) -> Path:
        return self.directory / "ca.key"


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _general_name(name: str) -> x509.DNSName | x509.IPAddress:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain).decode()


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
