"""Sending to a real mail server: over TLS, refusals for now and for good, and a server that ends badly."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from nameko.exceptions import ConfigurationError
from tests.unit.notify_service.test_smtp import delivery

from lockbox.errors import Invalid, Unavailable
from notify_service.smtp import SmtpMailer

Serve = Callable[..., "Mailbox"]


def NOTHING() -> None:  # noqa: N802 - a constant
    """Hear that the server answered."""


class Mailbox:
    """A handler of aiosmtpd that keeps what it took, with its answers; without one to RCPT it breaks off there."""

    def __init__(self, rcpt: str = "250 OK", bye: str = "221 Bye", data: str = "250 OK", mail: str = "250 OK") -> None:
        self.rcpt, self.bye, self.data, self.mail = rcpt, bye, data, mail
        self.taken: list[bytes] = []
        self.logins: list[bytes] = []
        self.port = 0

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.mail

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if not self.rcpt:
            server.transport.close()
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.data.startswith("250"):
            self.taken.append(bytes(envelope.content or b""))
        return self.data

    async def handle_QUIT(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        return self.bye

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        self.logins.append(data.login)
        return AuthResult(success=data.password == b"hunter2")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start mail servers on ports of their own."""
    with ExitStack() as stack:

        def started(box: Mailbox, **options: Any) -> Mailbox:
            box.port = free_port()
            controller = Controller(box, hostname="127.0.0.1", port=box.port, **options)
            controller.start()
            stack.callback(controller.stop)
            return box

        yield started


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """A server's context with a certificate that no system knows; `ca.pem` in the test's folder holds it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "ca.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    return context


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def mailer(box: Mailbox, **changes: Any) -> SmtpMailer:
    given = {"portal_url": "https://lockbox.example", "mail_from": "lockbox@vendor.example"}
    return SmtpMailer({"lockbox": {**given, "smtp_host": "localhost", "smtp_port": box.port, **changes}})


def refused(box: Mailbox, kind: type[Invalid | Unavailable], **changes: Any) -> str:
    with pytest.raises(kind) as failed:
        mailer(box, **changes).send(delivery(), NOTHING)
    assert box.taken == []
    return f"{failed.value.code} {failed.value.message}"


def test_send_when_the_server_takes_it_returns(serve: Serve) -> None:
    box = serve(Mailbox())
    mailer(box).send(delivery(), NOTHING)
    [message] = box.taken
    assert b"To: alice@contoso.example" in message


@pytest.mark.parametrize("bye", ["421 Going down", "500 What?", "250 Not yet", "554 No"])
def test_send_when_the_server_ends_badly_after_it_took_the_message_returns(serve: Serve, bye: str) -> None:
    box = serve(Mailbox(bye=bye))
    mailer(box).send(delivery(), NOTHING)
    assert len(box.taken) == 1


@pytest.mark.parametrize("reply", ["550 No such user", "553 Not here", "501 Bad address"])
def test_send_when_the_recipient_is_refused_for_good_is_invalid(serve: Serve, reply: str) -> None:
    told = refused(serve(Mailbox(rcpt=reply)), Invalid)
    assert told.startswith("recipient_refused")
    assert reply[:3] in told


@pytest.mark.parametrize("reply", ["450 Busy", "421 Later", "452 Full"])
def test_send_when_the_recipient_is_refused_for_now_is_unavailable(serve: Serve, reply: str) -> None:
    told = refused(serve(Mailbox(rcpt=reply)), Unavailable)
    assert told.startswith("mail_not_taken")
    assert reply[:3] in told


def test_send_when_the_message_is_not_accepted_is_unavailable(serve: Serve) -> None:
    told = refused(serve(Mailbox(data="452 Full")), Unavailable)
    assert told.startswith("mail_not_taken")
    assert "452" in told


@pytest.mark.parametrize(
    ("reply", "code"), [("451 Later", "mail_server_unavailable"), ("550 Not yours", "mail_not_taken")]
)
def test_send_when_the_sender_is_refused_is_of_the_server_where_it_may_pass(
    serve: Serve, reply: str, code: str
) -> None:
    assert refused(serve(Mailbox(mail=reply)), Unavailable).startswith(code)


def test_send_when_the_server_breaks_off_at_the_recipient_is_of_the_recipient(serve: Serve) -> None:
    assert refused(serve(Mailbox(rcpt="")), Unavailable).startswith("recipient_unanswered")


def test_send_when_the_email_can_not_be_composed_is_no_fault_of_the_server(serve: Serve) -> None:
    box = serve(Mailbox())
    with pytest.raises(Unavailable, match="mail_not_taken: the email can't be composed"):
        mailer(box).send(replace(delivery(), subject="a\nBcc: b@c"), NOTHING)


def test_send_when_nothing_listens_is_unavailable(serve: Serve) -> None:
    box = Mailbox()
    box.port = 1
    told = refused(box, Unavailable)
    assert told.startswith("mail_server_unavailable")
    assert "ConnectionRefusedError" in told


def test_send_when_the_server_wants_it_signs_in_over_tls(serve: Serve, tls: ssl.SSLContext, tmp_path: Path) -> None:
    box = Mailbox()
    serve(box, tls_context=tls, require_starttls=True, authenticator=box.authenticate, auth_required=True)
    (tmp_path / "password").write_text("hunter2\n")
    signed_in = {"smtp_user": "lockbox", "smtp_password_file": str(tmp_path / "password")}
    mailer(box, smtp_starttls=True, smtp_ca_file=str(tmp_path / "ca.pem"), **signed_in).send(delivery(), NOTHING)
    assert box.logins == [b"lockbox"]
    assert len(box.taken) == 1


def test_send_when_the_certificate_is_of_an_unknown_authority_sends_nothing(serve: Serve, tls: ssl.SSLContext) -> None:
    box = serve(Mailbox(), tls_context=tls)
    told = refused(box, Unavailable, smtp_starttls=True)
    assert told.startswith("mail_server_unavailable")
    assert "certificate verify failed" in told


def test_send_when_the_certificate_is_of_another_host_sends_nothing(
    serve: Serve, tls: ssl.SSLContext, tmp_path: Path
) -> None:
    box = serve(Mailbox(), tls_context=tls)
    options = {"smtp_starttls": True, "smtp_ca_file": str(tmp_path / "ca.pem"), "smtp_host": "127.0.0.1"}
    assert "certificate verify failed" in refused(box, Unavailable, **options)


def test_send_when_the_server_has_no_tls_sends_nothing(serve: Serve) -> None:
    assert "STARTTLS" in refused(serve(Mailbox()), Unavailable, smtp_starttls=True)


def test_mailer_when_a_password_would_travel_in_the_clear_does_not_start() -> None:
    with pytest.raises(ConfigurationError, match=r"smtp_user: expected no user unless smtp_starttls is true"):
        mailer(Mailbox(), smtp_user="lockbox")
