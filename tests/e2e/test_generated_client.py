"""A client that openapi-python-client generates from /openapi.json plays the story of one request."""

import importlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest
from tests.people import TERMS, People

CALLS = {
    "requests": ("create_request", "get_request", "decide"),
    "grants": ("get_grant_token", "revoke_grant"),
}


@pytest.fixture(scope="module")
def generated(people: People, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The modules of the client, by the names of the operations."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "openapi.json").write_bytes(httpx.get(f"{people.portal}/openapi.json").content)
    (folder / "settings.yml").write_text("post_hooks: []\n")
    generator = Path(sys.executable).with_name("openapi-python-client")
    command = [generator, "generate", "--path", "openapi.json", "--output-path", "lockbox_api", "--meta", "none"]
    command += ["--config", "settings.yml"]
    ran = subprocess.run(
        [*command, "--fail-on-warning"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        calls = {one: importlib.import_module(f"lockbox_api.api.{part}.{one}") for part in CALLS for one in CALLS[part]}
        modules = ("client", "models")
        yield SimpleNamespace(**calls, **{name: importlib.import_module(f"lockbox_api.{name}") for name in modules})


@pytest.fixture
def clients(generated: Any, people: People) -> Iterator[tuple[Any, ...]]:
    """The generated client, as the engineer, the vendor's approver and the customer's."""
    three = (people.engineer, people.vendor_approver, people.contoso_approver)
    with ExitStack() as opened:
        made = [generated.client.AuthenticatedClient(base_url=people.portal, token=person.token) for person in three]
        yield tuple(opened.enter_context(one) for one in made)


def test_story_when_a_generated_client_plays_it_ends_as_it_should(
    generated: Any, clients: tuple[Any, ...], people: People
) -> None:
    erin, victor, alice = clients
    models = generated.models
    terms = models.TermsAsked.from_dict(TERMS)
    asked, again = (
        generated.create_request.sync(client=erin, body=terms, idempotency_key="generated-1") for _ in range(2)
    )
    assert again.id == asked.id
    for approver in (victor, alice):
        shown = generated.get_request.sync(asked.id, client=approver)
        body = models.DecideBody.from_dict({"decision": "approve", "request_digest": shown.request_digest})
        decided = generated.decide.sync(asked.id, client=approver, body=body)
        assert not isinstance(decided, models.Problem), decided
    grant = generated.get_request.sync(asked.id, client=alice).grant
    url = f"{people.portal}/api/v1/grants/{grant.id}/token"
    signed = generated.get_grant_token.sync(grant.id, client=erin, d_po_p=people.engineer.proof("GET", url))
    assert signed.token.count(".") == 2
    revoked = generated.revoke_grant.sync(grant.id, client=alice, body=models.RevokeGrantBody())
    assert revoked.state == "REVOKED"
    refused = generated.revoke_grant.sync(str(UUID(int=1)), client=alice, body=models.RevokeGrantBody())
    assert (refused.status, refused.code) == (404, "grant_not_found")
