"""A small product with content of two tenants; nobody at the vendor reads any of it without a grant.

    GET /documents/<tenant>/<resource>    action `read`
    PUT /documents/<tenant>/<resource>    action `write`

with `Authorization: Bearer <signed grant>`. Everything about Lockbox is in `guarded`.
"""

import os
from pathlib import Path

from flask import Flask, Response, jsonify, request
from waitress import serve

from lockbox.guard import Guard

DOCUMENTS = {
    ("contoso", "mailbox/alice"): "From: bank@example.org\nSubject: Your statement\n\nDear Alice, ...\n",
    ("contoso", "mailbox/bob"): "From: carol@contoso.example\nSubject: Merger, confidential\n\nBob, ...\n",
    ("fabrikam", "mailbox/fiona"): "From: frank@fabrikam.example\nSubject: Patent draft\n\nFiona, ...\n",
}
ACTIONS = {"GET": "read", "HEAD": "read", "PUT": "write"}

app = Flask(__name__)
guard = Guard(os.environ["LOCKBOX_URL"], Path(os.environ["LOCKBOX_TOKEN_FILE"]))


@app.route("/documents/<tenant>/<path:resource>", methods=["GET", "PUT"])
def document(tenant: str, resource: str) -> Response:
    """Serve or replace one document, if a grant allows it."""
    refusal = guarded(tenant, resource)
    if refusal is not None:
        return refusal
    if (tenant, resource) not in DOCUMENTS:
        return problem(404, "no_such_document")
    if request.method == "PUT":
        DOCUMENTS[tenant, resource] = request.get_data(as_text=True)
    return Response(DOCUMENTS[tenant, resource], mimetype="text/plain")


def guarded(tenant: str, resource: str) -> Response | None:
    """None if the grant that came with the request allows it, else the refusal."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    grant = token if scheme.lower() == "bearer" else None
    decision = guard.enforce(grant, tenant, resource, ACTIONS[request.method])
    return None if decision.allowed else problem(403, decision.reason)


@app.get("/")
def alive() -> Response:
    """The product runs, and its guard has heard of revocations."""
    if not guard.ready:
        return problem(503, "revocations_stale")
    return jsonify({"product": "content_service"})


def problem(status: int, code: str) -> Response:
    """A refusal as a problem document (RFC 9457)."""
    response = jsonify({"status": status, "code": code})
    response.status_code = status
    response.mimetype = "application/problem+json"
    return response


if __name__ == "__main__":
    guard.start()
    serve(app, host=os.environ.get("CONTENT_HOST", "127.0.0.1"), port=int(os.environ["CONTENT_PORT"]))
