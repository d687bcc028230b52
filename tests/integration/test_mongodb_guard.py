"""mongodb_guard beside a real Lockbox: what a grant opens in MongoDB, and that its end leaves nothing of it."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import amqp
import httpx
import pytest
from kombu import Connection
from pymongo import MongoClient, WriteConcern
from pymongo.errors import OperationFailure
from tests.integration.test_subscriptions import event
from tests.people import People, Person
from tests.waiting import eventually

from lockbox.embedded.stack import Stack
from lockbox.provision.environment import read_environment

ROOT = Path(__file__).parents[2]
NAME = "mongodb_guard"
DATABASES = ("orders", "invoices", "parts")
QUEUES = ("on_grant.v1", "on_grant.v1.parked", "on_answer.v1", "retry.5s", "retry.30s", "retry.300s")
UNAUTHORIZED, AUTHENTICATION_FAILED = 13, 18
CUT_WITHIN_SECONDS = 15

Mongo = MongoClient[dict[str, Any]]


@dataclass
class Service:
    """mongodb_guard as a process, prepared and run as its README says."""

    folder: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def environment(self) -> dict[str, str]:
        return read_environment(self.folder / "environment")

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            command = [sys.executable, "-m", "examples.mongodb_guard", str(self.folder)]
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
        eventually(self.ready, within=60)

    def ready(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"http://{self.environment['MONGODB_GUARD_HEALTH_ADDRESS']}/readyz").status_code == 200
        return False

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Meanwhile it does nothing, and does not know of it."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        yield
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def log_in(self, person: Person, grant_id: str, what: str, **shown: str) -> httpx.Response:
        """Show a grant and a proof for this address, or whatever else is shown."""
        url = f"{self.environment['MONGODB_GUARD_URL']}/{what}"
        token = shown.get("token") or person.grant_token(grant_id)
        proof = shown.get("proof") or person.proof("POST", url, token)
        return httpx.post(url, headers={"Authorization": f"DPoP {token}", "DPoP": proof}, timeout=30)


@pytest.fixture(scope="module")
def service(stack: Stack, mongo: Mongo, admin_amqp_uri: str) -> Iterator[Service]:
    prepare = [sys.executable, "-m", "examples.mongodb_guard.beside", "--home", str(stack.home)]
    subprocess.run([*prepare, "contoso=orders,invoices", "fabrikam=parts"], cwd=ROOT, check=True)
    service = Service(stack.home / NAME)
    try:
        service.start()
        yield service
        assert service.process is not None
        service.process.terminate()
        assert service.process.wait(timeout=60) == 0
    finally:
        service.kill()
        for name in (*DATABASES, NAME):
            mongo[name].command("dropAllUsersFromDatabase")
            mongo[name].command("dropAllRolesFromDatabase")
            mongo.drop_database(name)
        with Connection(admin_amqp_uri) as connection:
            for queue in QUEUES:
                connection.default_channel.queue_delete(f"{NAME}.{queue}")


@pytest.fixture(autouse=True)
def content(mongo: Mongo) -> None:
    for name in DATABASES:
        mongo[name].drop_collection("customers")
        mongo[name].customers.insert_many({"_id": number} for number in range(1_000))
        mongo[name].secrets.update_one({"_id": 1}, {"$set": {"secret": True}}, upsert=True)


@dataclass
class Opened:
    """What a grant opened: a user, the address with its password, and a client that is signed in."""

    grant_id: str
    username: str
    uri: str
    client: Mongo


LogIn = Callable[[str], Opened]
Open = Callable[..., Opened]
READ = "read/contoso/database/orders/customers"


@pytest.fixture
def log_in(service: Service, people: People, stack: Stack) -> Iterator[LogIn]:
    """Logs in with a grant, as soon as the service has heard of it."""
    clients: list[Mongo] = []

    def signed_in(grant_id: str, what: str = READ) -> Opened:
        def let_in() -> httpx.Response | None:
            answer = service.log_in(people.engineer, grant_id, what)
            return answer if answer.is_success else None

        answer = eventually(let_in)
        assert answer.headers["cache-control"] == "no-store"
        given = answer.json()
        own = f"{given['username']}:{given['password']}@{stack.servers.database}"
        uri = f"mongodb://{own}/?directConnection=true&authSource={given['auth_source']}"
        clients.append(Mongo(uri))
        return Opened(grant_id, given["username"], uri, clients[-1])

    yield signed_in
    for client in clients:
        client.close()


@pytest.fixture
def opened(log_in: Callable[..., Opened], people: People) -> Open:
    """Has a grant approved, and logs in with it."""

    def granted(*actions: str, resource: str = "database/orders/customers", **terms: Any) -> Opened:
        approved = people.granted(resources=[resource], actions=list(actions or ["read"]), **terms)
        tenant = terms.get("tenant", "contoso")
        return log_in(approved["grant"]["id"], f"{(actions or ['read'])[0]}/{tenant}/{resource.replace('*', 'any')}")

    return granted


def refusal(act: Callable[[], object]) -> int | None:
    """The code with which MongoDB refuses, if it does."""
    try:
        act()
    except OperationFailure as error:
        return error.code
    return None


def users(mongo: Mongo, database: str = NAME) -> list[str]:
    return [user["user"] for user in mongo[database].command("usersInfo", 1)["users"]]


def roles(mongo: Mongo, database: str) -> list[str]:
    return [role["role"] for role in mongo[database].command("rolesInfo", 1)["roles"]]


def nothing_left(mongo: Mongo, username: str) -> bool:
    return username not in [*users(mongo), *(role for name in DATABASES for role in roles(mongo, name))]


def revoke(people: People, opened: Opened) -> None:
    answer = people.contoso_approver.post(f"/grants/{opened.grant_id}/revoke")
    assert answer.status_code == 200, answer.text


def complete(people: People, opened: Opened) -> None:
    answer = people.engineer.post(f"/grants/{opened.grant_id}/complete")
    assert answer.status_code == 200, answer.text


def let_expire(people: People, opened: Opened) -> None:
    """The grant ends by itself, and soon."""


# --- what is opened ------------------------------------------------------------------------------------------------


def test_user_when_reading_is_granted_reads_that_collection_and_does_nothing_else(opened: Open, mongo: Mongo) -> None:
    access = opened()
    orders = access.client.orders
    assert orders.customers.count_documents({}) == 1_000
    into = {"$lookup": {"from": "secrets", "pipeline": [], "as": "found"}}
    for forbidden in (
        lambda: orders.customers.insert_one({}),
        lambda: orders.customers.update_one({}, {"$set": {"changed": True}}),
        lambda: orders.customers.delete_one({}),
        lambda: orders.customers.drop(),
        lambda: list(orders.customers.aggregate([{"$out": "copy"}])),
        lambda: list(orders.customers.aggregate([into])),
        lambda: orders.secrets.find_one(),
        lambda: orders.client.invoices.customers.find_one(),
        lambda: orders.client.parts.customers.find_one(),
        lambda: orders.client.mongodb_guard.grants.find_one(),
        lambda: orders.client.admin["system.users"].find_one(),
        lambda: orders.command("createUser", "friend", pwd="friend", roles=[]),
        lambda: orders.client.mongodb_guard.command("updateUser", access.username, pwd="x"),
    ):
        assert refusal(forbidden) == UNAUTHORIZED
    assert mongo.orders.customers.count_documents({"changed": {"$exists": True}}) == 0


def test_user_when_writing_is_granted_writes_to_that_collection_and_reads_nothing(opened: Open, mongo: Mongo) -> None:
    orders = opened("write").client.orders
    orders.customers.insert_one({"_id": "new"})
    orders.customers.update_one({"_id": "new"}, {"$set": {"changed": True}})
    assert mongo.orders.customers.find_one({"_id": "new"}) == {"_id": "new", "changed": True}
    orders.customers.delete_one({"_id": "new"})
    for forbidden in (lambda: orders.customers.find_one(), lambda: orders.secrets.insert_one({})):
        assert refusal(forbidden) == UNAUTHORIZED
    assert mongo.orders.customers.find_one({"_id": "new"}) is None


def test_user_when_a_pattern_is_granted_reads_what_it_covers_in_the_tenants_own_databases(opened: Open) -> None:
    client = opened(resource="database/orders/*").client
    assert client.orders.customers.find_one()
    assert client.orders.secrets.find_one()
    assert refusal(client.invoices.customers.find_one) == UNAUTHORIZED
    assert refusal(client.parts.customers.find_one) == UNAUTHORIZED


def test_engineer_when_following_the_readme_gets_an_address_that_opens(
    service: Service, people: People, stack: Stack
) -> None:
    grant_id = people.granted(resources=["database/orders/customers"])["grant"]["id"]
    known = people.accounts["engineer"]
    environment = {
        **os.environ,
        "LOCKBOX_URL": people.portal,
        "MONGODB_GUARD_URL": service.environment["MONGODB_GUARD_URL"],
        "LOCKBOX_EMAIL": known["email"],
        "LOCKBOX_PASSWORD": known["password"],
    }

    def run(collection: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "examples.mongodb_guard.engineer", grant_id, "read", collection]
        server = ["--mongodb", stack.servers.database]
        return subprocess.run([*command, *server], cwd=ROOT, env=environment, capture_output=True, text=True)

    printed = eventually(lambda: run("orders/customers").stdout.strip())
    with Mongo(printed) as client:
        assert client.orders.customers.find_one()
    assert run("orders/secrets").stderr == "error: other_resource\n"


def test_login_when_it_is_allowed_is_on_record(opened: Open, people: People) -> None:
    grant_id = opened().grant_id

    def found() -> list[dict[str, Any]]:
        records = people.contoso_auditor.trail("contoso", type="access_allowed")
        return [record["data"] for record in records if record["data"]["grant_id"] == grant_id]

    assert {(each["resource"], each["action"]) for each in eventually(found)} == {("database/orders/customers", "read")}


def test_login_when_done_again_ends_the_session_before(opened: Open, log_in: LogIn, mongo: Mongo) -> None:
    before = opened()
    assert before.client.orders.customers.find_one()
    now = log_in(before.grant_id)
    assert refusal(before.client.orders.customers.find_one) in (UNAUTHORIZED, AUTHENTICATION_FAILED)
    assert now.client.orders.customers.find_one()
    assert users(mongo).count(now.username) == 1


def test_login_when_anything_is_not_as_granted_opens_nothing(
    service: Service, people: People, opened: Open, mongo: Mongo
) -> None:
    engineer, grant_id = people.engineer, opened().grant_id
    before = mongo[NAME].command("usersInfo", 1, showCredentials=True)["users"]
    token = engineer.grant_token(grant_id)
    stolen = people.other_engineer.proof("POST", f"{service.environment['MONGODB_GUARD_URL']}/{READ}", token)
    used = engineer.proof("POST", f"{service.environment['MONGODB_GUARD_URL']}/read/contoso/database/orders/x", token)
    for what, shown, code in (
        (READ, {"token": token, "proof": stolen}, "proof_of_another_key"),
        (READ, {"token": token, "proof": used}, "proof_of_another_request"),
        (READ, {"token": token[:-8] + "AAAAAAAA"}, "token_forged"),
        (READ.replace("read", "write"), {}, "other_action"),
        (READ.replace("customers", "secrets"), {}, "other_resource"),
        ("read/fabrikam/database/parts/customers", {}, "other_tenant"),
        ("read/contoso/database/parts/customers", {}, "opens_nothing_here"),
        ("read/contoso/database/admin/system.users", {}, "opens_nothing_here"),
        ("read/contoso/database/orders", {}, "no_route"),
    ):
        answer = service.log_in(engineer, grant_id, what, **shown)
        assert (answer.status_code, answer.json()["code"]) == (403, code), what
    url = f"{service.environment['MONGODB_GUARD_URL']}/{READ}"
    assert httpx.post(url).status_code == 401
    assert httpx.post(url, headers={"Authorization": f"Bearer {token}"}).json()["code"] == "proof_missing"
    assert mongo[NAME].command("usersInfo", 1, showCredentials=True)["users"] == before


# --- the end -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("end", "duration"), [(revoke, "PT1H"), (complete, "PT1H"), (let_expire, "PT8S")])
def test_session_when_the_grant_ends_is_cut_and_nothing_is_left(
    opened: Open, people: People, mongo: Mongo, end: Callable[[People, Opened], None], duration: str
) -> None:
    access = opened("read", "write", duration=duration)
    customers = access.client.orders.customers
    cursor = customers.find(batch_size=2)
    next(cursor)
    session = access.client.start_session()
    session.start_transaction()
    customers.insert_one({"_id": "not committed"}, session=session)
    outside_of_sessions = customers.with_options(write_concern=WriteConcern(w=0))
    outside_of_sessions.delete_many({"$where": "sleep(1000); return false"})
    eventually(lambda: len(operations(mongo, access)) == 2)
    end(people, access)
    began = time.monotonic()
    eventually(lambda: refusal(customers.find_one), within=CUT_WITHIN_SECONDS)
    sys.stderr.write(f"{end.__name__}: refused {time.monotonic() - began:.3f} s later\n")
    eventually(lambda: nothing_left(mongo, access.username))
    assert operations(mongo, access) == []
    assert refusal(lambda: list(cursor))
    assert refusal(session.commit_transaction)
    assert mongo.orders.customers.find_one({"_id": "not committed"}) is None
    with Mongo(access.uri) as again:
        assert refusal(lambda: again.admin.command("ping")) == AUTHENTICATION_FAILED


def operations(mongo: Mongo, access: Opened) -> list[dict[str, Any]]:
    """What runs in a user's name, and transactions that are open."""
    of_user = hashlib.sha256(f"{access.username}@{NAME}".encode()).digest()
    running = {"effectiveUsers.user": access.username, "active": True}
    in_transaction = {"transaction": {"$exists": True}, "lsid.uid": of_user}
    everything = {"$currentOp": {"allUsers": True, "idleSessions": True}}
    return list(mongo.admin.aggregate([everything, {"$match": {"$or": [running, in_transaction]}}]))


def test_login_when_the_grant_was_revoked_is_refused(
    opened: Open, people: People, service: Service, mongo: Mongo
) -> None:
    access = opened()
    token = people.engineer.grant_token(access.grant_id)
    revoke(people, access)
    eventually(lambda: nothing_left(mongo, access.username))
    answer = service.log_in(people.engineer, access.grant_id, READ, token=token)
    assert answer.status_code == 403
    assert answer.json()["code"] in ("grant_revoked", "opens_nothing_here")
    assert nothing_left(mongo, access.username)


def test_service_when_killed_while_grants_end_leaves_nothing_once_it_is_back(
    opened: Open, people: People, service: Service, mongo: Mongo
) -> None:
    revoked, lives, expired = opened(), opened(), opened(duration="PT8S")
    service.kill()
    revoke(people, revoked)
    ended = people.engineer.get
    eventually(lambda: ended(f"/grants/{expired.grant_id}")["state"] == "EXPIRED")
    service.start()
    for gone in (revoked, expired):
        eventually(lambda gone=gone: nothing_left(mongo, gone.username))  # type: ignore[misc]
        assert refusal(gone.client.orders.customers.find_one)
    assert lives.client.orders.customers.find_one()


def test_event_when_it_comes_again_and_late_makes_no_second_user_and_opens_nothing(
    opened: Open, people: People, mongo: Mongo, admin_amqp_uri: str
) -> None:
    access = opened()
    granted = eventually(lambda: published(mongo, access.grant_id, "access_granted"))
    with Connection(admin_amqp_uri) as broker:
        again(broker, mongo, granted, granted)
        assert users(mongo).count(access.username) == 1
        assert access.client.orders.customers.find_one()
        revoke(people, access)
        eventually(lambda: nothing_left(mongo, access.username))
        revoked = eventually(lambda: published(mongo, access.grant_id, "grant_revoked"))
        again(broker, mongo, revoked, granted)
    assert nothing_left(mongo, access.username)
    assert refusal(access.client.orders.customers.find_one)


def published(mongo: Mongo, grant_id: str, kind: str) -> str | None:
    found = mongo["lockbox_approval"]["events"].find_one({"type": kind, "payload": {"$regex": grant_id}})
    return None if found is None else found["payload"]


def again(broker: Connection, mongo: Mongo, *payloads: str) -> None:
    """Publish these, and wait until mongodb_guard has taken in what comes after them."""
    marker = event()
    for payload in (*payloads, marker.payload()):
        message = amqp.Message(payload, content_type="application/json", delivery_mode=2)
        with broker.channel() as channel:
            channel.basic_publish(message, exchange="approval_service.events", routing_key="grant_expired")
    eventually(lambda: mongo[NAME].grants.find_one({"_id": marker.subject}))


# --- the sweep -----------------------------------------------------------------------------------------------------


def test_sweep_when_something_of_ours_is_left_over_removes_it_and_nothing_of_others(
    service: Service, mongo: Mongo
) -> None:
    halves = [f"lockbox-{uuid4()}" for _ in range(3)]
    whole, only_a_user, only_a_role = halves
    of_others = f"lockbox-{uuid4()}"
    mark = {"lockbox": {"grant_id": "by hand"}}
    reads = [{"resource": {"db": "orders", "collection": ""}, "actions": ["find"]}]
    with service.stopped():
        for role in (whole, only_a_role, "readers"):
            mongo.orders.command("createRole", role, privileges=reads, roles=[])
        for user, held in ((whole, [whole]), (only_a_user, []), ("readers", ["readers"])):
            held_in_orders = [{"role": role, "db": "orders"} for role in held]
            mongo[NAME].command("createUser", user, pwd="x", roles=held_in_orders, customData=mark)
        mongo[NAME].command("createUser", "by hand", pwd="x", roles=[])
        mongo.orders.command("createUser", of_others, pwd="x", roles=["read"], customData=mark)
        mongo.admin.command("createUser", of_others, pwd="x", roles=[], customData=mark)
    try:
        for name in (*halves, "readers"):
            eventually(lambda name=name: name not in users(mongo))  # type: ignore[misc]
        eventually(lambda: not set(halves) & set(roles(mongo, "orders")))
        assert "by hand" in users(mongo)
        assert of_others in users(mongo, "orders")
        assert of_others in users(mongo, "admin")
        assert "readers" in roles(mongo, "orders")
    finally:
        mongo.admin.command("dropUser", of_others)
        mongo[NAME].command("dropUser", "by hand")
        mongo.orders.command("dropUser", of_others)
        mongo.orders.command("dropRole", "readers")


# --- what the service itself may do ---------------------------------------------------------------------------------


def test_service_when_it_reaches_for_content_or_more_rights_is_refused_by_mongodb(service: Service) -> None:
    with Mongo(service.environment["MONGODB_GUARD_MONGO_URI"]) as client:
        for forbidden in (
            lambda: client.orders.customers.find_one(),
            lambda: client.other.command("createRole", "r", privileges=[], roles=[]),
            lambda: client.admin.command("createRole", "r", privileges=[], roles=[]),
            lambda: client.admin.command("createUser", "u", pwd="u", roles=[]),
            lambda: client[NAME].command("createUser", "u", pwd="u", roles=[{"role": "root", "db": "admin"}]),
            lambda: client[NAME].command("createUser", "u", pwd="u", roles=[{"role": "read", "db": "other"}]),
            lambda: client.admin.command("grantRolesToUser", NAME, roles=["root"]),
            lambda: client.lockbox_approval.grants.find_one(),
        ):
            assert refusal(forbidden) == UNAUTHORIZED


@pytest.fixture
def channel(service: Service) -> Iterator[Any]:
    """A channel of the service's own user on the broker, with a queue of its own."""
    with Connection(service.environment["MONGODB_GUARD_AMQP_URI"]) as connection:
        channel = connection.default_channel
        channel.queue_declare(f"{NAME}.test", durable=False, auto_delete=True)
        yield channel


@pytest.mark.parametrize("exchange", ["approval_service.events", "audit_service.reconcile", "lockbox.calls", ""])
def test_service_when_it_publishes_as_another_is_refused_by_the_broker(channel: Any, exchange: str) -> None:
    channel.confirm_select()
    with pytest.raises(amqp.AccessRefused):
        channel.basic_publish_confirm(amqp.Message("{}"), exchange=exchange, routing_key="grant_revoked")


@pytest.mark.parametrize(
    ("exchange", "key"),
    [
        ("approval_service.events", "#"),
        ("approval_service.events", "decision_recorded"),
        ("request_service.events", "request_created"),
        ("lockbox.calls", "approval_service.*"),
        ("audit_service.reconcile", "approval_service"),
    ],
)
def test_service_when_it_listens_to_what_it_need_not_hear_is_refused_by_the_broker(
    channel: Any, exchange: str, key: str
) -> None:
    with pytest.raises(amqp.AccessRefused):
        channel.queue_bind(f"{NAME}.test", exchange, key)


def test_service_when_it_takes_anothers_queue_is_refused_by_the_broker(channel: Any) -> None:
    with pytest.raises(amqp.AccessRefused):
        channel.basic_get("notify_service.on_news.v1")
