"""The broker's address: `amqp://` or `amqps://user:password@host:port/vhost`, several nodes with `;` between them.

With `amqps` a node has to show a certificate for the host in its URI, signed by a CA of this system or of the file that
`?cacertfile=` names. There is no way to switch that off. kombu on its own compares no name.
"""

import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from kombu import Connection
from nameko.exceptions import ConfigurationError

from lockbox.runtime.process.clear_traffic import warn_of_clear_traffic

SETTING = "LOCKBOX_AMQP_URI"
CA_FILE = "cacertfile"


class TlsFailed(ConnectionError):
    """The broker showed no certificate that counts, or speaks no TLS."""


@dataclass(frozen=True)
class BrokerAddress:
    """The nodes of a broker, as URIs without a query; all are reached with TLS, or none."""

    nodes: tuple[str, ...]
    encrypted: bool
    ca_file: str | None

    @classmethod
    def of(cls, uri: str) -> "BrokerAddress":
        """Read a URI; raise ConfigurationError that names the wrong part, and no password."""
        nodes = uri.split(";")
        schemes = {urlsplit(node).scheme for node in nodes}
        queries = {node.partition("?")[2] for node in nodes}
        if len(schemes) > 1 or not schemes <= {"amqp", "amqps"}:
            raise _fault("amqp:// or amqps://, the same for all nodes", ", ".join(sorted(schemes)))
        if len(queries) > 1:
            raise _fault(f"the same ?{CA_FILE}= for all nodes", ", ".join(sorted(queries)))
        encrypted = schemes == {"amqps"}
        return cls(tuple(node.partition("?")[0] for node in nodes), encrypted, _ca_file(queries.pop(), encrypted))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts of the nodes."""
        return tuple(urlsplit(node).hostname or "" for node in self.nodes)

    def check(self) -> None:
        """Raise ConfigurationError if the file of the CA can't be used."""
        try:
            ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise _fault(f"{CA_FILE} with the path of a PEM file", f"{self.ca_file} ({error})") from error

    def warn(self) -> None:
        """Log the nodes beyond this machine that are reached without TLS."""
        if not self.encrypted:
            warn_of_clear_traffic(SETTING, self.hosts)

    def connection(self, **options: Any) -> Connection:
        """Return a connection, not made yet."""
        tls = {"ca_certs": self.ca_file, "tls_minimum_version": ssl.TLSVersion.TLSv1_2} if self.encrypted else False
        return BrokerConnection(";".join(self.nodes), ssl=tls, **options)


class BrokerConnection(Connection):
    """A connection that compares the name in a certificate with the host in the URI, of each node with its own."""

    def _init_params(self, **params: Any) -> None:
        super()._init_params(**params)
        if params["ssl"]:
            self.ssl = {**params["ssl"], "server_hostname": params["hostname"]}

    def _establish_connection(self) -> Any:
        try:
            return super()._establish_connection()
        except ssl.SSLError as error:
            raise TlsFailed(self._complaint(error)) from error

    def _complaint(self, error: ssl.SSLError) -> str:
        host, ca_file = self.ssl["server_hostname"], self.ssl["ca_certs"]
        signer = f"{CA_FILE}={ca_file}" if ca_file else f"this system ({CA_FILE} names another)"
        reason = getattr(error, "verify_message", "") or error.reason or str(error)
        expected = f"expected TLS, and a certificate for {host} by a CA of {signer}"
        return f"{SETTING}: {host}:{self.port}: {reason}; {expected}"


def _ca_file(query: str, encrypted: bool) -> str | None:
    options = dict(parse_qsl(query, keep_blank_values=True))
    ca_file = options.pop(CA_FILE, None)
    if options:
        raise _fault(f"no option but {CA_FILE}", ", ".join(sorted(options)))
    if ca_file is not None and not encrypted:
        raise _fault(f"amqps:// where {CA_FILE} is set", "amqp://")
    return ca_file


def _fault(expected: str, got: str) -> ConfigurationError:
    return ConfigurationError(f"{SETTING}: expected {expected}, got {got}")
