"""`/docs`: the reference of the API, rendered from /openapi.json by Swagger UI. The portal serves all of its files."""

from importlib.util import find_spec
from pathlib import Path

from flask import Blueprint, Response, abort, current_app, send_from_directory

ASSETS = frozenset({"swagger-ui-bundle.js", "swagger-ui.css"})
KEPT_SECONDS = 86_400

blueprint = Blueprint("reference", __name__)


def assets_folder() -> Path:
    """Return the folder of Swagger UI in the distribution flask-swagger-ui; its Flask code is not used."""
    found = find_spec("flask_swagger_ui")
    if found is None or found.origin is None:
        raise RuntimeError("flask-swagger-ui is not installed")
    return Path(found.origin).parent / "dist"


@blueprint.get("/docs")
def show_reference() -> Response:
    """Show the reference of the API."""
    return current_app.send_static_file("api_reference.html")


@blueprint.get("/docs/<name>")
def read_asset(name: str) -> Response:
    """Serve a file of Swagger UI."""
    if name not in ASSETS:
        abort(404)
    return send_from_directory(assets_folder(), name, max_age=KEPT_SECONDS)
