"""MongoDB's address: its own URI, with options that can't switch the check of the certificate off."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from nameko.exceptions import ConfigurationError

from lockbox.runtime.process.clear_traffic import warn_of_clear_traffic

SETTING = "LOCKBOX_MONGO_URI"
LIST, DNS = "mongodb", "mongodb+srv"
UNVERIFIED = ("tlsinsecure", "tlsallowinvalidcertificates", "tlsallowinvalidhostnames")
"""Options with which MongoDB's driver takes any certificate."""


@dataclass(frozen=True)
class DatabaseAddress:
    """The URI of MongoDB; TLS is on with `tls=true` or another option of TLS, and where DNS names the members."""

    uri: str

    def check(self) -> None:
        """Raise ConfigurationError for TLS without verification, or a CA file that can't be used."""
        scheme = urlsplit(self.uri).scheme
        if scheme not in (LIST, DNS):
            raise _fault("mongodb:// or mongodb+srv://", scheme or "none of them")
        unverified = [name for name in UNVERIFIED if self._options.get(name, "false").lower() != "false"]
        if unverified:
            raise _fault("a certificate that is verified (tlsCAFile names its CA)", ", ".join(unverified))
        self._check_ca_file(self._options.get("tlscafile"))

    def warn(self) -> None:
        """Log the members beyond this machine that are reached without TLS."""
        if not self.encrypted:
            members = urlsplit(self.uri).netloc.rpartition("@")[2].split(",")
            warn_of_clear_traffic(SETTING, (urlsplit(f"//{member}").hostname or "" for member in members))

    @property
    def encrypted(self) -> bool:
        """Whether traffic is encrypted."""
        implied = urlsplit(self.uri).scheme == DNS or any(name.startswith("tls") for name in self._options)
        return self._options.get("tls", self._options.get("ssl", str(implied))).lower() == "true"

    @property
    def _options(self) -> Mapping[str, str]:
        return {name.lower(): value for name, value in parse_qsl(urlsplit(self.uri).query)}

    def _check_ca_file(self, path: str | None) -> None:
        try:
            ssl.create_default_context(cafile=path)
        except OSError as error:
            raise _fault("tlsCAFile with the path of a PEM file", f"{path} ({error})") from error


def _fault(expected: str, got: str) -> ConfigurationError:
    return ConfigurationError(f"{SETTING}: expected {expected}, got {got}")
