"""The private certificate authority: two files for each server, and a key that nobody else has."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from lockbox.provision.certificates import CA, SERVER, Authority

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "secrets")
    made.ensure(NOW)
    return made


def verify(authority: Authority, pem: str, name: str, at: datetime = NOW) -> None:
    """Verify as RFC 5280 has it, by another reader than OpenSSL."""
    store = Store([x509.load_pem_x509_certificate(authority.certificate_file.read_bytes())])
    verifier = PolicyBuilder().store(store).time(at.replace(tzinfo=None)).build_server_verifier(x509.DNSName(name))
    verifier.verify(x509.load_pem_x509_certificate(pem.encode()), [])


def test_certificate_when_issued_is_for_its_names_alone(authority: Authority) -> None:
    issued = authority.issue(["rabbitmq", "localhost", "127.0.0.1"], NOW)
    for name in ("rabbitmq", "localhost"):
        verify(authority, issued, name)
    for name in ("mongodb", "xrabbitmq", "a.localhost"):
        with pytest.raises(VerificationError):
            verify(authority, issued, name)


def test_certificate_when_years_have_passed_ends_with_its_authority(authority: Authority) -> None:
    issued = authority.issue(["rabbitmq"], NOW + timedelta(days=3000))
    verify(authority, issued, "rabbitmq", NOW + timedelta(days=3649))
    with pytest.raises(VerificationError):
        verify(authority, issued, "rabbitmq", NOW + timedelta(days=3651))


def test_certificate_when_of_another_authority_does_not_count(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other")
    other.ensure(NOW)
    with pytest.raises(VerificationError):
        verify(authority, other.issue(["rabbitmq"], NOW), "rabbitmq")


def test_authority_when_it_exists_stays(authority: Authority) -> None:
    before = {path.name: path.read_bytes() for path in authority.directory.iterdir()}
    authority.ensure(NOW + timedelta(days=1))
    assert {path.name: path.read_bytes() for path in authority.directory.iterdir()} == before
    assert stat.S_IMODE((authority.directory / "ca.key").stat().st_mode) == 0o600


def test_server_when_equipped_can_serve_and_has_no_key_of_the_authority(authority: Authority, tmp_path: Path) -> None:
    authority.equip(tmp_path, ["rabbitmq"], NOW)
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=tmp_path / CA).load_cert_chain(tmp_path / SERVER)
    secret = (authority.directory / "ca.key").read_text().splitlines()[1]
    assert all(secret not in (tmp_path / name).read_text() for name in (CA, SERVER))
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in (CA, SERVER)} == {0o640}
