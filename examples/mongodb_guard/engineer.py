"""`python -m examples.mongodb_guard.engineer <grant id> read orders/customers`: an engineer's way into MongoDB.

Signs in at the portal, has the grant bound to a key that is made for the occasion, and shows grant and proof to
mongodb_guard. What comes back is printed as the address for `mongosh`.
"""

import os
from typing import Annotated
from urllib.parse import quote

import httpx
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lockbox import clock
from lockbox.crypto.keys import SigningKey
from lockbox.crypto.possession import Target, prove
from lockbox.ids import new_id

TIMEOUT_SECONDS = 30.0


class Engineer:
    """An engineer with a key, signed in at the portal."""

    def __init__(self, portal: str, email: str, password: str) -> None:
        self._key = SigningKey.of(Ed25519PrivateKey.generate())
        self._portal = f"{portal}/api/v1"
        who = {"email": email, "password": password}
        self._session = answered(httpx.post(f"{self._portal}/session", json=who, timeout=TIMEOUT_SECONDS))["token"]

    def grant(self, grant_id: str) -> tuple[str, str]:
        """Return the signed grant, bound to the key, and the tenant that it is for."""
        address = f"{self._portal}/grants/{grant_id}"
        headers = {"Authorization": f"Bearer {self._session}", "DPoP": self._proof("GET", f"{address}/token")}
        signed = answered(httpx.get(f"{address}/token", headers=headers, timeout=TIMEOUT_SECONDS))
        shown = answered(httpx.get(address, headers=headers, timeout=TIMEOUT_SECONDS))
        return signed["token"], shown["tenant"]

    def log_in(self, url: str, grant: str) -> dict[str, str]:
        """Show the grant and a proof for this very address."""
        headers = {"Authorization": f"DPoP {grant}", "DPoP": self._proof("POST", url, grant)}
        return answered(httpx.post(url, headers=headers, timeout=TIMEOUT_SECONDS))

    def _proof(self, method: str, url: str, grant: str | None = None) -> str:
        return prove(self._key, Target(method, url), clock.now().timestamp(), new_id(), grant)


def answered(answer: httpx.Response) -> dict[str, str]:
    """Return the answer's document; a refusal ends the program with its code."""
    document: dict[str, str] = answer.json()
    if answer.is_error:
        raise SystemExit(f"error: {document['code']}")
    return document


def main(  # noqa: PLR0913, PLR0917 - an option is a parameter
    grant_id: str,
    action: Annotated[str, typer.Argument(help="read or write")],
    collection: Annotated[str, typer.Argument(help="<database>/<collection>, one that the grant names")],
    portal: Annotated[str, typer.Option(envvar="LOCKBOX_URL")],
    guard: Annotated[str, typer.Option(envvar="MONGODB_GUARD_URL")],
    mongodb: Annotated[str, typer.Option(help="name:port of MongoDB")],
    email: Annotated[str, typer.Option(envvar="LOCKBOX_EMAIL")],
) -> None:
    """Print the address of MongoDB with which a grant opens it; the password is that in LOCKBOX_PASSWORD."""
    engineer = Engineer(portal, email, os.environ["LOCKBOX_PASSWORD"])
    grant, tenant = engineer.grant(grant_id)
    given = engineer.log_in(f"{guard}/{action}/{tenant}/database/{collection}", grant)
    typer.echo(f"mongodb://{given['username']}:{quote(given['password'])}@{mongodb}/?authSource={given['auth_source']}")


if __name__ == "__main__":
    typer.run(main)
