"""What operators do by commands."""

import json
from hashlib import sha256
from uuid import uuid4

import amqp
from kombu import Connection
from tests.e2e.cli.commands import Lockbox, fetched, granted
from tests.people import People
from tests.waiting import eventually


def test_operator_settles_what_is_parked_by_commands(lockbox: Lockbox, people: People, admin_amqp_uri: str) -> None:
    queue = "request_service.on_policy_changed.v1"
    body = f"not JSON: {uuid4()}"
    with Connection(admin_amqp_uri) as broker:
        message = amqp.Message(body, content_type="application/json")
        broker.default_channel.basic_publish(message, exchange="approval_service.events", routing_key="policy_changed")

    def listed() -> list[str]:
        found = json.loads(lockbox("operator", "ops", "parked", "list", "--queue", queue, "--json").stdout)["items"]
        return [item["parked_id"] for item in found if item["sha256"] == sha256(body.encode()).hexdigest()]

    [parked_id] = eventually(listed)
    assert parked_id in lockbox("operator", "ops", "parked", "list", "--queue", queue).stdout
    assert body in lockbox("operator", "ops", "parked", "show", queue, parked_id).stdout
    assert f"Replayed {parked_id}" in lockbox("operator", "ops", "parked", "replay", queue, parked_id).stdout
    [again] = eventually(lambda: [each for each in listed() if each != parked_id])
    dropped = lockbox("operator", "ops", "parked", "drop", queue, again)
    assert (dropped.returncode, f"Dropped {again}" in dropped.stdout) == (0, True)
    assert listed() == []
    for subject, kind in ((parked_id, "read"), (parked_id, "replayed"), (again, "dropped")):
        found = eventually(
            lambda subject=subject, kind=kind: people.vendor_auditor.trail(
                "vendor", subject=subject, type=f"parked_message_{kind}"
            )
        )
        assert [record["actor"] for record in found] == [people.operator.email]


def test_operator_sees_outboxes_and_topology(lockbox: Lockbox) -> None:
    outbox = lockbox("operator", "ops", "outbox").stdout
    assert "audit_service" in outbox
    checked = lockbox("operator", "ops", "topology", "check")
    assert (checked.returncode, "as they should be" in checked.stdout) == (0, True), checked.stderr
    refused = lockbox("engineer", "ops", "outbox")
    assert (refused.returncode, "[role_required]" in refused.stderr) == (1, True)


def test_operator_when_keys_are_rotated_and_revoked_leaves_and_ends_what_they_signed(
    lockbox: Lockbox, people: People, asked: str
) -> None:
    grant = granted(lockbox, asked)
    token = lockbox("engineer", "token", grant).stdout.strip()
    rotated = lockbox("operator", "ops", "keys", "rotate").stdout
    new, old = (
        key["kid"] for key in json.loads(lockbox("operator", "ops", "keys", "list", "--json").stdout)["items"][:2]
    )
    assert f"signed with {new} from now on" in rotated
    assert f"Grants that {old} has signed stay valid until they end." in rotated
    assert fetched(lockbox, people, token) == (0, "")

    unsure = lockbox("operator", "ops", "keys", "revoke", "--", old)
    assert (unsure.returncode, "Revoke it?" in unsure.stderr) == (1, True)
    revoked = lockbox("operator", "ops", "keys", "revoke", "-m", "A disk was lost.", "--yes", "--", old)
    assert revoked.stdout.startswith(f"Revoked {old}: ")
    refused = "lockbox: The key that signed the grant was revoked. [token_key_revoked]\n"
    eventually(lambda: fetched(lockbox, people, token) == (3, refused))
    eventually(lambda: fetched(lockbox, people, grant) == (0, ""))
    listed = lockbox("operator", "ops", "keys", "list").stdout
    assert [words for words in (new, old, "ACTIVE", "REVOKED", "A disk was lost.") if words not in listed] == []
    [record] = eventually(lambda: people.vendor_auditor.trail("vendor", subject=old, type="signing_key_revoked"))
    assert record["actor"] == people.operator.email
