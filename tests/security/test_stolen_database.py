"""With the database password of one service: other databases, users, collections and indexes are out of reach.

Its own documents are not: the tests of forgeries show how far they reach, and where they are noticed.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pymongo import MongoClient
from pymongo.errors import OperationFailure
from tests.people import People
from tests.waiting import eventually

from lockbox.contracts.events import event_id
from lockbox.crypto.keys import PublicKeys, SigningKey
from lockbox.crypto.tokens import GRANT_TOKEN, genuine, sign
from lockbox.embedded.stack import Stack
from lockbox.provision.database import database_of
from lockbox.provision.secrets import SERVICES

UNAUTHORIZED = 13
Client = MongoClient[dict[str, Any]]
Clients = Callable[[str], Client]
Route = Callable[[Client, str], Any]


@pytest.fixture(scope="module")
def stolen(stack: Stack) -> Iterator[Clients]:
    """Open a client with the stolen database password of a service."""
    opened: dict[str, Client] = {}
    with ExitStack() as clients:

        def client(service: str) -> Client:
            if service not in opened:
                uri = stack.servers.database_uri(service, stack.secrets.database)
                opened[service] = clients.enter_context(Client(uri))
            return opened[service]

        yield client


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises(OperationFailure) as failed:
        yield
    assert failed.value.code == UNAUTHORIZED, failed.value


OF_OTHERS: dict[str, Route] = {
    "find": lambda client, other: client[other]["events"].find_one({}),
    "count": lambda client, other: client[other]["events"].estimated_document_count(),
    "insert": lambda client, other: client[other]["events"].insert_one({}),
    "update": lambda client, other: client[other]["events"].update_one({}, {"$set": {"on_record": True}}),
    "remove": lambda client, other: client[other]["events"].delete_one({}),
    "find and modify": lambda client, other: client[other]["events"].find_one_and_delete({}),
    "list the collections": lambda client, other: client[other].command("listCollections", nameOnly=False),
    "watch": lambda client, other: client[other].watch(),
    "make an index": lambda client, other: client[other]["events"].create_index("type"),
    "drop": lambda client, other: client[other].drop_collection("events"),
    "drop the database": lambda client, other: client.drop_database(other),
}
OF_THE_SERVER: dict[str, Route] = {
    "make a user": lambda client, own: client[own].command("createUser", "thief", pwd="x", roles=["root"]),
    "make an administrator": lambda client, _: client.admin.command("createUser", "thief", pwd="x", roles=["root"]),
    "grant itself a role": lambda client, _: client.admin.command("grantRolesToUser", "audit_service", roles=["root"]),
    "widen a role": lambda client, _: client.admin.command("updateRole", "lockbox_audit_append", roles=["root"]),
    "change another's password": lambda client, _: client.admin.command("updateUser", "lockbox_admin", pwd="x"),
    "read the users": lambda client, _: client.admin["system.users"].find_one({}),
    "read the log of changes": lambda client, _: client.local["oplog.rs"].find_one({}),
    "apply changes": lambda client, own: client.admin.command(
        "applyOps", [{"op": "i", "ns": f"{own}.events", "o": {"_id": "x"}}]
    ),
    "see the operations of all": lambda client, _: client.admin.command("currentOp", True),
    "read the server's log": lambda client, _: client.admin.command("getLog", "global"),
    "change a parameter": lambda client, _: client.admin.command("setParameter", 1, ttlMonitorEnabled=True),
    "change the replica set": lambda client, _: client.admin.command("replSetReconfig", {"_id": "rs0"}),
    "stop the server": lambda client, _: client.admin.command("shutdown"),
}
OF_OWN_COLLECTIONS: dict[str, Route] = {
    "drop": lambda client, own: client[own].drop_collection("events"),
    "rename": lambda client, own: client[own]["events"].rename("gone"),
    "cap": lambda client, own: client[own].command("convertToCapped", "events", size=4096),
    "drop an index": lambda client, own: client[own]["events"].drop_index("published_at"),
    "change an index": lambda client, own: client[own].command(
        "collMod", "events", index={"name": "kept_for_days", "expireAfterSeconds": 1}
    ),
    "refuse what is written": lambda client, own: client[own].command("collMod", "events", validator={"x": 1}),
    "drop the database": lambda client, own: client.drop_database(own),
}
OF_RECORDS: dict[str, Route] = {
    "update": lambda client, own: client[own]["records"].update_one({}, {"$set": {"actor": "x"}}),
    "replace": lambda client, own: client[own]["records"].replace_one({"_id": "x"}, {"actor": "x"}, upsert=True),
    "remove": lambda client, own: client[own]["records"].delete_many({}),
    "find and modify": lambda client, own: client[own]["records"].find_one_and_update({}, {"$set": {"actor": "x"}}),
    "drop": lambda client, own: client[own].drop_collection("records"),
    "rename": lambda client, own: client[own]["records"].rename("gone"),
    "rename another in its place": lambda client, own: client[own]["events"].rename("records", dropTarget=True),
    "cap": lambda client, own: client[own].command("convertToCapped", "records", size=4096),
    "write a result in its place": lambda client, own: client[own]["events"].aggregate([{"$out": "records"}]),
    "merge a result into it": lambda client, own: client[own]["events"].aggregate([{"$merge": "records"}]),
    "have MongoDB remove by age": lambda client, own: client[own]["records"].create_index(
        "recorded_at", expireAfterSeconds=0
    ),
    "refuse by a unique index": lambda client, own: client[own]["records"].create_index("tenant", unique=True),
    "have it not found": lambda client, own: client[own]["records"].drop_index("grants_and_refusals"),
}


@pytest.mark.parametrize("route", OF_OTHERS)
@pytest.mark.parametrize("user", SERVICES)
def test_database_of_another_when_a_services_password_is_stolen_is_out_of_reach(
    stolen: Clients, user: str, route: str
) -> None:
    for other in (database_of(service) for service in SERVICES if service != user):
        with refused():
            OF_OTHERS[route](stolen(user), other)


@pytest.mark.parametrize("route", OF_THE_SERVER)
@pytest.mark.parametrize("user", SERVICES)
def test_server_when_a_services_database_password_is_stolen_gives_no_rights(
    stolen: Clients, user: str, route: str
) -> None:
    with refused():
        OF_THE_SERVER[route](stolen(user), database_of(user))


@pytest.mark.parametrize("route", OF_OWN_COLLECTIONS)
@pytest.mark.parametrize("user", SERVICES)
def test_collections_when_a_services_database_password_is_stolen_keep_their_shape(
    stolen: Clients, user: str, route: str
) -> None:
    with refused():
        OF_OWN_COLLECTIONS[route](stolen(user), database_of(user))


@pytest.mark.parametrize("route", OF_RECORDS)
def test_records_when_audit_services_database_password_is_stolen_stay(stolen: Clients, route: str) -> None:
    with refused():
        OF_RECORDS[route](stolen("audit_service"), database_of("audit_service"))


@pytest.mark.parametrize("collection", ["operations", "events"])
def test_own_events_when_audit_services_database_password_is_stolen_are_not_removed(
    stolen: Clients, collection: str
) -> None:
    own = stolen("audit_service")[database_of("audit_service")][collection]
    for route in (lambda: own.delete_one({}), lambda: own.create_index("published_at", expireAfterSeconds=0)):
        with refused():
            route()


# --- forgeries -------------------------------------------------------------------------------------------------------


def counted(stack: Stack, service: str, metric: str) -> float:
    text = httpx.get(f"http://127.0.0.1:{stack.ports[service]}/metrics").text
    return sum(float(value) for value in re.findall(rf"^{metric}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))


def test_record_when_forged_under_the_id_of_a_coming_event_is_alarmed(
    stolen: Clients, people: People, stack: Stack, mongo: Client
) -> None:
    request_id = people.engineer.ask()
    ids = [event_id("approval_service", f"approvals/{request_id}", n, "decision_recorded") for n in range(2, 6)]
    keys = [f"approval_service/{one}" for one in ids]
    forged = [{"_id": key, "digest": "0" * 64, "tenant": "nowhere", "payload": "{}"} for key in keys]
    stolen("audit_service")["lockbox_audit"]["records"].insert_many(forged)
    alarms = [("approval_service", "lockbox_events_contradicted_total"), ("audit_service", "lockbox_parked_total")]
    before = [counted(stack, *alarm) for alarm in alarms]
    people.vendor_approver.decide(request_id)
    for alarm, quiet in zip(alarms, before, strict=True):
        eventually(lambda alarm=alarm, quiet=quiet: counted(stack, *alarm) > quiet)
    records = mongo["lockbox_audit"]["records"]
    records.delete_many({"_id": {"$in": keys}})
    mongo["lockbox_approval"]["events"].update_many({"_id": {"$in": ids}}, {"$unset": {"ask_at": True}})
    eventually(lambda: records.count_documents({"_id": {"$in": keys}}) == 1)


def test_grant_when_widened_in_the_database_is_signed_and_the_record_keeps_what_was_decided(
    stolen: Clients, people: People
) -> None:
    grant = people.granted()["grant"]
    approvals = stolen("approval_service")["lockbox_approval"]["approvals"]
    changed = approvals.update_one(
        {"state.grant.id": grant["id"]}, {"$set": {"state.grant.resources": ["mailbox/bob"]}}
    )
    assert changed.modified_count == 1
    assert people.use(people.engineer.grant_token(grant["id"]), "contoso/mailbox/bob").status_code == 200
    trail = eventually(lambda: used(people, grant["id"]))
    decided = [record["data"] for record in trail if record["type"] == "access_granted"]
    assert [fact["resources"] for fact in decided] == [["mailbox/alice"]]
    usage = people.contoso_auditor.get(f"/tenants/contoso/usage/{grant['id']}")
    assert "mailbox/bob" in str(usage)


def used(people: People, grant_id: str) -> list[dict[str, Any]]:
    trail = people.contoso_auditor.trail("contoso", subject=grant_id)
    return trail if "access_allowed" in {record["type"] for record in trail} else []


def test_grant_when_signed_by_a_key_that_was_put_into_the_keyring_opens_nothing_and_is_disputed(
    stolen: Clients, people: People
) -> None:
    grant = people.granted()["grant"]
    thief = SigningKey.of(Ed25519PrivateKey.generate())
    jwks = httpx.get(f"{people.portal}/.well-known/jwks.json").json()["keys"]
    _, claims = genuine(GRANT_TOKEN, people.engineer.grant_token(grant["id"]), PublicKeys.from_jwks(jwks))
    unknown = str(uuid4())
    forged = sign(GRANT_TOKEN, {**claims, "jti": unknown}, thief)
    keyrings = stolen("approval_service")["lockbox_approval"]["keyrings"]
    [ring] = keyrings.find({"_id": "grants"})
    planted = ring["state"]["keys"][0] | {"kid": thief.kid, "x": thief.jwk["x"], "state": "RETIRED", "handle": None}
    keyrings.update_one({"_id": "grants"}, {"$push": {"state.keys": planted}})
    try:
        assert set(eventually(lambda: shown_until_disputed(people, forged, unknown))) == {"grant_unknown"}
    finally:
        keyrings.update_one({"_id": "grants"}, {"$pull": {"state.keys": {"kid": thief.kid}}})


def shown_until_disputed(people: People, token: str, grant_id: str) -> list[str]:
    """Show a grant to the product, which never serves the content; return the codes of disputes about it."""
    assert people.use(token, "contoso/mailbox/alice").status_code != 200
    trail = people.contoso_auditor.trail("contoso", type="access_disputed")
    return [record["data"]["code"] for record in trail if record["data"]["grant_id"] == grant_id]
