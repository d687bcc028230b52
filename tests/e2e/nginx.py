"""`examples/nginx` as it is, with ports of its own: a real nginx, a guard that it asks, and a product behind it."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.people import Person
from tests.unit.lockbox.guard.scene import Answer, ask
from tests.waiting import eventually

from lockbox.crypto.jws import encoded
from lockbox.crypto.possession import prove_session
from lockbox.embedded.ports import choose_ports
from lockbox.embedded.stack import Stack

NGINX = "/usr/sbin/nginx"
EXAMPLE = Path(__file__).parents[2] / "examples" / "nginx"
ALICE = "/documents/contoso/mailbox/alice"

Headers = dict[str, str]


class Product(ThreadingHTTPServer):
    """Serves a folder to whoever asks, and remembers what it was asked."""

    def __init__(self, folder: Path, port: int) -> None:
        self.asked: list[tuple[str, Headers]] = []
        super().__init__(("127.0.0.1", port), partial(Static, directory=str(folder)))


class Static(SimpleHTTPRequestHandler):
    server: Product

    def log_message(self, *_: object) -> None:
        self.server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))


class Site:
    """The example, with ports of its own."""

    def __init__(self, folder: Path, stack: Stack, changes: Mapping[str, str]) -> None:
        """`changes`: what is written in place of what the example says."""
        self.folder = folder
        ports = choose_ports(folder / "ports.json", prefer=False, more=("nginx", "guard", "product"))
        self.port, self.guard_port, product_port = ports["nginx"], ports["guard"], ports["product"]
        self.origin = f"http://127.0.0.1:{self.port}"
        addresses = {
            "http://127.0.0.1:8480": stack.portal_url,
            "127.0.0.1:8491": f"127.0.0.1:{self.guard_port}",
            "127.0.0.1:8492": f"127.0.0.1:{product_port}",
            "127.0.0.1:8493": f"127.0.0.1:{self.port}",
        }
        (folder / "token").write_text(stack.secrets.enforcement_point_token)
        for name in ("nginx.conf", "lockbox.conf", "guard.toml"):
            text = (EXAMPLE / name).read_text()
            for documented, here in {**changes, **addresses}.items():
                text = text.replace(documented, here)
            (folder / name).write_text(text)
        self._write_content()
        self.product = Product(folder / "content", product_port)
        self._processes: list[subprocess.Popen[bytes]] = []

    def _write_content(self) -> None:
        for path, text in ((ALICE, "Dear Alice, ..."), ("/healthz", "fine"), ("/documents/contoso/plans/q3", "Merge.")):
            file = self.folder / "content" / path[1:]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)

    def up(self) -> None:
        threading.Thread(target=self.product.serve_forever, args=(0.02,)).start()
        self._start(NGINX, "-p", str(self.folder), "-c", "nginx.conf", "-e", "stderr")
        self.start_guard()
        eventually(lambda: _answers(self.port))

    def start_guard(self) -> None:
        """Returns when it is ready."""
        command = [str(Path(sys.executable).with_name("lockbox")), "guard", "serve", "--config", "guard.toml"]
        self.guard = self._start(*command, "--listen", f"127.0.0.1:{self.guard_port}")
        eventually(lambda: _answers(self.guard_port) == HTTPStatus.OK)

    def down(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(timeout=20)
        self.product.shutdown()
        self.product.server_close()

    def ask(self, path: str = ALICE, headers: Headers | None = None, method: str = "GET") -> Answer:
        """Send exactly this path to nginx."""
        return ask(self.port, method, path, headers or {})

    def shown(self, by: Person, token: str, path: str = ALICE, method: str = "GET") -> Headers:
        """What somebody with a grant shows, bound to this request."""
        return {"Authorization": f"DPoP {token}", "DPoP": by.proof(method, self.origin + path, token)}

    def cookies(self, by: Person, token: str) -> Headers:
        """What their browser shows, with every request."""
        proof = prove_session(by.key, self.origin, time.time(), str(uuid4()), token)
        return {"Cookie": f"theme=dark; lockbox_grant={token}; lockbox_proof={proof}"}

    def served(self) -> int:
        """How much the product was asked."""
        return len(self.product.asked)

    def _start(self, *command: str) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(command, cwd=self.folder, stdout=subprocess.DEVNULL)
        self._processes.append(process)
        return process


def _answers(port: int) -> int | None:
    """What is answered about its health, if anything."""
    with suppress(OSError):
        return ask(port, "GET", "/healthz").status
    return None


@contextmanager
def running(site: Site) -> Iterator[Site]:
    try:
        site.up()
        yield site
    finally:
        site.down()


@dataclass(frozen=True)
class Certified:
    """A self-signed certificate with its key, in a file."""

    file: Path
    thumbprint: str

    @classmethod
    def of(cls, name: str, file: Path) -> "Certified":
        key, named = Ed25519PrivateKey.generate(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        unsigned = x509.CertificateBuilder(named, named, key.public_key(), x509.random_serial_number())
        lasting = unsigned.not_valid_before(now).not_valid_after(now + timedelta(days=1))
        certificate = lasting.sign(key, None)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
        return cls(file, encoded(certificate.fingerprint(SHA256())).decode())
