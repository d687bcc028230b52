"""`lockbox fetch`: one request to the vendor's product, with a grant and a proof."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import httpx
import typer

from lockbox.cli.arguments import GrantOrToken
from lockbox.cli.possession import ADVICE, address_of, show, signed_grant
from lockbox.cli.session import TIMEOUT_SECONDS, CommandError
from lockbox.guard.refusals import REASON, REASONS

REFUSED = 3
SHOWN = 500


def fetch(
    grant: GrantOrToken,
    url: Annotated[str, typer.Argument(help="The address in the vendor's product.")],
    method: Annotated[
        str | None, typer.Option("--method", "-X", help="The method; GET if left out, POST with data.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", "-d", help="The body; @file for the content of a file, @- for standard input."),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option("--header", "-H", help="A header, such as 'Accept: text/csv'; can be given again."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="The file for the answer.")] = None,
) -> None:
    """Send one request to the vendor's product with your grant and a proof, and print the answer.

    Exit code: 0 if it is done, 3 if the product's guard refuses it, 1 on any other error.
    """
    request = _request(method, url, header or (), data)
    show(request, signed_grant(grant))
    with _answer(request) as answer:
        if not answer.is_success:
            _complain(answer)
        _put(answer.iter_bytes(), output)


def _request(method: str | None, url: str, headers: Iterable[str], data: str | None) -> httpx.Request:
    fields = httpx.Headers([_header(line) for line in headers])
    content = None if data is None else _content(data)
    act = method or ("GET" if data is None else "POST")
    return httpx.Request(act, address_of(url), headers=fields, content=content)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not (name and colon and line.isascii() and line.isprintable()):
        raise CommandError(f"--header: expected a name and a value, such as 'Accept: text/csv', got {line!r}")
    return name.strip(), value.strip()


def _content(data: str) -> bytes:
    if not data.startswith("@"):
        return data.encode()
    try:
        return sys.stdin.buffer.read() if data == "@-" else Path(data[1:]).read_bytes()
    except OSError as error:
        raise CommandError(f"--data: {data[1:]}: {error.strerror}") from error


@contextmanager
def _answer(request: httpx.Request) -> Iterator[httpx.Response]:
    """Return the answer as a stream; no redirect is followed, as the proof is for this address."""
    try:
        with httpx.Client(timeout=TIMEOUT_SECONDS) as client:
            answer = client.send(request, stream=True)
            yield answer
    except httpx.HTTPError as error:
        raise CommandError(f"{request.url} does not answer: {error}") from error


def _complain(answer: httpx.Response) -> None:
    reason = answer.headers.get(REASON)
    if reason is None:
        raise CommandError(_said(answer))
    said = " ".join(filter(None, (REASONS.get(reason, "The guard refused."), ADVICE.get(reason))))
    typer.echo(f"lockbox: {said} [{reason}]", err=True)
    raise typer.Exit(REFUSED)


def _said(answer: httpx.Response) -> str:
    """Return the message of a product that refuses."""
    said = f"{answer.url} answered {answer.status_code} {answer.reason_phrase}"
    if answer.has_redirect_location:
        return f"{said}: it leads to {answer.headers['Location']}"
    answer.read()
    kind = answer.headers.get("Content-Type", "")
    return f"{said}: {answer.text[:SHOWN].strip()}" if kind.startswith(("text/plain", "application/")) else said


def _put(parts: Iterable[bytes], output: Path | None) -> None:
    if output is None:
        for part in parts:
            sys.stdout.buffer.write(part)
        sys.stdout.flush()
        return
    try:
        with output.open("wb") as file:
            file.writelines(parts)
    except OSError as error:
        raise CommandError(f"--output: {output}: {error.strerror}") from error
