"""`lockbox token`, `proof`: the signed grant, and the proof of possession of its key."""

from collections.abc import Mapping
from typing import Annotated, Any

import httpx
import typer

from lockbox import clock
from lockbox.cli.arguments import GrantId, GrantOrToken
from lockbox.cli.key import own_key
from lockbox.cli.output import Json, show_json
from lockbox.cli.session import CommandError, ask, load_session
from lockbox.crypto.possession import Target, prove
from lockbox.ids import new_id

ADVICE: Mapping[str | None, str] = {
    "proof_of_another_request": "Is this the address that it is known by?",
    "proof_stale": "Is the clock of this computer right?",
}


def token(grant_id: GrantId, as_json: Json = False) -> None:
    """Print your own signed grant, bound to your key; `lockbox fetch` fetches it by itself.

    For other programs: curl -H "Authorization: DPoP $(lockbox token G)" -H "DPoP: $(lockbox proof G GET URL)" URL
    """
    signed = fetch_token(grant_id)
    if as_json:
        show_json(signed)
    else:
        typer.echo(signed["token"])


def proof(
    grant: GrantOrToken,
    method: Annotated[str, typer.Argument(help="The method of the request, such as GET.")],
    url: Annotated[str, typer.Argument(help="The address of the request.")],
    as_json: Json = False,
) -> None:
    """Print a proof for one request with your grant; it is valid once, within a minute.

    For other programs: curl -H "Authorization: DPoP $(lockbox token G)" -H "DPoP: $(lockbox proof G GET URL)" URL
    """
    address = address_of(url)
    made = prove_request(method.upper(), str(address), signed_grant(grant))
    if as_json:
        show_json({"proof": made})
    else:
        typer.echo(made)


def signed_grant(grant: str) -> str:
    """Return a signed grant, fetched if only its ID is given."""
    return grant if "." in grant else str(fetch_token(grant)["token"])


def fetch_token(grant_id: str) -> dict[str, Any]:
    """Fetch a signed grant from the portal, bound to the own key."""
    session, path = load_session(), f"/grants/{grant_id}/token"
    shown = {"DPoP": prove_request("GET", f"{session.url}/api/v1{path}")}
    try:
        signed: dict[str, Any] = ask(session, "GET", path, headers=shown)
    except CommandError as error:
        if error.code not in ADVICE:
            raise
        raise CommandError(f"{error}\n  {session.url}: {ADVICE[error.code]}", error.code) from error
    return signed


def prove_request(method: str, url: str, token: str | None = None) -> str:
    """Return a proof by the own key for one request, now, and for the signed grant if there is one."""
    return prove(own_key(), Target(method, url), clock.now().timestamp(), new_id(), token)


def show(request: httpx.Request, token: str) -> None:
    """Add a signed grant to a request, with a proof for this request."""
    request.headers["Authorization"] = f"DPoP {token}"
    request.headers["DPoP"] = prove_request(request.method, str(request.url), token)


def address_of(url: str) -> httpx.URL:
    """Read an address in the vendor's product; raise `CommandError` for anything else, or if it names a user."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise CommandError(f"{url}: {error}") from error
    if address.scheme not in ("http", "https") or not address.host or address.userinfo:
        raise CommandError(f"expected an address such as https://files.vendor.example/a, got {url!r}")
    return address
