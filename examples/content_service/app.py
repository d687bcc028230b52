"""A small product with content of two tenants; engineers of the vendor read it with a grant alone.

    GET /documents/<tenant>/<resource>    action `read`
    PUT /documents/<tenant>/<resource>    action `write`

An engineer shows `Authorization: DPoP <signed grant>` with a proof in the header `DPoP`, a browser both in cookies. All
that Lockbox needs is `request_guard`: a request that it passes on is allowed, and on record.
"""

import os
from pathlib import Path

from flask import Flask, Response, jsonify, request
from waitress import serve

from lockbox.guard import Decision, Guard, Options
from lockbox.guard.middleware import DECISION, RequestGuard
from lockbox.guard.routes import Route, Routes
from lockbox.guard.wsgi import GuardedWsgi

DOCUMENTS = {
    ("contoso", "mailbox/alice"): "From: bank@example.org\nSubject: Your statement\n\nDear Alice, ...\n",
    ("contoso", "mailbox/bob"): "From: carol@contoso.example\nSubject: Merger, confidential\n\nBob, ...\n",
    ("fabrikam", "mailbox/fiona"): "From: frank@fabrikam.example\nSubject: Patent draft\n\nFiona, ...\n",
}
ROUTES = Routes(
    [
        Route("/documents/{tenant}/{resource...}", {"GET": "read", "HEAD": "read", "PUT": "write"}),
        Route("/", open=True),
    ]
)

OPTIONS = Options(allow_http=os.environ.get("LOCKBOX_ALLOW_HTTP") == "true")
guard = Guard(os.environ["LOCKBOX_URL"], Path(os.environ["LOCKBOX_TOKEN_FILE"]), OPTIONS)
request_guard = RequestGuard(guard, ROUTES, os.environ["CONTENT_ORIGIN"])
app = Flask(__name__, static_folder=None)
app.wsgi_app = GuardedWsgi(app.wsgi_app, request_guard)  # type: ignore[method-assign]
app.logger.setLevel("INFO")


@app.route("/documents/<tenant>/<path:resource>", methods=["GET", "PUT"])
def document(tenant: str, resource: str) -> Response:
    """Serve or replace one document; whoever gets here may."""
    decision: Decision = request.environ[DECISION]
    app.logger.info("%s by %s under grant %s", decision.attempt, decision.engineer, decision.grant_id)
    if (tenant, resource) not in DOCUMENTS:
        return problem(404, "no_such_document")
    if request.method == "PUT":
        DOCUMENTS[tenant, resource] = request.get_data(as_text=True)
    return Response(DOCUMENTS[tenant, resource], mimetype="text/plain")


@app.get("/")
def alive() -> Response:
    """The product runs, and its guard has heard of revocations."""
    if not guard.ready:
        return problem(503, "revocations_stale")
    return jsonify({"product": "content_service"})


def problem(status: int, code: str) -> Response:
    """An error as a problem document (RFC 9457)."""
    response = jsonify({"status": status, "code": code})
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


if __name__ == "__main__":
    guard.start()
    serve(app, host=os.environ.get("CONTENT_HOST", "127.0.0.1"), port=int(os.environ["CONTENT_PORT"]))
