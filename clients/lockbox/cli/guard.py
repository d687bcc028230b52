"""`lockbox guard`: a guard for a product behind a proxy, by configuration alone."""

import logging
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from lockbox.cli.app import App
from lockbox.cli.output import Json, say, show_json
from lockbox.cli.session import CommandError
from lockbox.errors import Forbidden, Invalid
from lockbox.guard.configuration import HIGHEST_PORT, RequestGuardSettings, ServeSettings, read_file
from lockbox.guard.request import Request
from lockbox.guard.routes import Routes
from lockbox.values.resources import is_item

app = App(help="For the vendor's product: a guard behind a proxy.", no_args_is_help=True)

S = TypeVar("S", bound=RequestGuardSettings)

Config = Annotated[Path, typer.Option("--config", "-c", help="The configuration, a TOML file.")]


@app.command("serve")
def serve(
    config: Config,
    listen: Annotated[str, typer.Option(help="Host and port; only the proxy should reach it.")] = "127.0.0.1:8491",
) -> None:
    """Answer a proxy (nginx auth_request, Traefik ForwardAuth, Envoy ext_authz) about each request, until SIGTERM.

    It answers on /check; /healthz says whether it is ready.
    """
    try:
        from lockbox.guard.serve import Server
    except ImportError as error:
        raise CommandError("`lockbox guard serve` needs more: pip install 'lockbox-guard[serve]'") from error
    settings = _read(config, ServeSettings)
    host, port = _address(listen)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    try:
        server = Server(settings.request_guard(), settings.frontend, host, port)
    except Invalid as error:
        raise CommandError(error.message) from error
    except OSError as error:
        raise CommandError(f"can't listen on {listen}: {error}") from error
    say(f"Answering {settings.frontend} at http://{host}:{server.port}/check for {settings.origin}.")
    server.run()


@app.command("explain")
def explain(
    config: Config,
    method: Annotated[str, typer.Argument(help="A method, such as GET.")],
    path: Annotated[str, typer.Argument(help="A path as it stands in a request line.")],
    as_json: Json = False,
) -> None:
    """Explain a request by the configuration: its tenant, resource and action. Exit code 1 if no route names them."""
    settings = _read(config, RequestGuardSettings)
    try:
        request = Request.of(method, path, lambda _: [])
        attempt = Routes(settings.routes).find(request.act, request.path)
        if attempt is not None and not is_item(attempt.resource):
            raise Forbidden("other_resource", f"no grant can name {attempt.resource}")
    except Forbidden as error:
        raise CommandError(f"refused, whatever the grant: {error.message} [{error.code}]") from error
    if as_json:
        show_json(attempt and {"tenant": attempt.tenant, "resource": attempt.resource, "action": attempt.action})
    elif attempt is None:
        say("Open: no grant is asked for.")
    else:
        say(f"Needs a grant of {attempt.tenant} for {attempt.resource}, action {attempt.action}.")


def _read(config: Path, kind: type[S]) -> S:
    try:
        return read_file(config, kind)
    except Invalid as error:
        lines = error.message.replace("\n", "\n  ")
        raise CommandError(f"{config}:\n  {lines}") from error


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or int(port) > HIGHEST_PORT:
        raise CommandError(f"--listen: expected a host and a port, such as 127.0.0.1:8491, got {listen!r}")
    return host.strip("[]"), int(port)
