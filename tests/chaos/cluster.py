"""Three nodes of RabbitMQ and three members of a replica set, on one machine, under a supervisor of their own."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from lockbox.embedded import mongodb, rabbitmq
from lockbox.embedded.plan import Existing
from lockbox.embedded.ports import choose_ports
from lockbox.embedded.processes import started_here
from lockbox.embedded.supervisor import Program, Supervisor
from lockbox.provision.database import provision_database
from lockbox.provision.files import private_directory, write_private
from lockbox.provision.secrets import ADMIN, SecretFiles
from tests.waiting import eventually

NUMBERS = (1, 2, 3)
UP_WITHIN = 120.0
SMALL = {"RABBITMQ_CTL_ERL_ARGS": "+S 1:1"}
ELECTION_MS = 3_000
MAIN_PROCESS = {"rabbitmq": "beam.smp", "mongodb": "mongod"}


class Cluster:
    """Both clusters; a node of RabbitMQ is the program `rabbitmq-<n>`, a member of MongoDB `mongodb-<n>`."""

    def __init__(self, home: Path) -> None:
        self.home = private_directory(home.resolve())
        self._supervisor = Supervisor(self.home)
        self._secrets = SecretFiles(self.home / "secrets").ensure()
        self._ports = {number: self._choose(number) for number in NUMBERS}
        for ports in self._ports.values():
            ports["epmd"] = self._ports[1]["epmd"]

    @property
    def existing(self) -> Existing:
        """Where services find them: every node and every member."""
        user = f"{ADMIN}:{quote(self._secrets.broker[ADMIN], safe='')}"
        nodes = ";".join(f"amqp://{user}@127.0.0.1:{ports['amqp']}//" for ports in self._ports.values())
        return Existing(nodes, self._mongo_uri)

    def __len__(self) -> int:
        return len(NUMBERS)

    @contextmanager
    def open(self) -> Iterator["Cluster"]:
        """Start it, and stop it."""
        try:
            self.up()
            yield self
        finally:
            self.down()

    def up(self) -> None:
        """Start them, and return when each knows the others."""
        cookie = os.urandom(16).hex()
        for number in NUMBERS:
            self._write(number, cookie)
        self._supervisor.configure(list(self._programs()))
        self._supervisor.start()
        self._replicate()
        eventually(self.complete, UP_WITHIN)

    def down(self) -> None:
        """Stop them."""
        self._supervisor.stop()

    def complete(self) -> bool:
        """Whether all nodes run and all members are there, with one primary."""
        return self._nodes_running() == len(NUMBERS) and self._states() == ["PRIMARY", "SECONDARY", "SECONDARY"]

    def leader_of(self, queue: str) -> str:
        """The program that leads a quorum queue."""
        leaders = dict(line.split("\t", 1) for line in self.ctl("list_queues", "name", "leader"))
        return next(f"rabbitmq-{number}" for number in NUMBERS if self._node(number) == leaders[queue])

    def members_of_queues(self) -> dict[str, int]:
        """How many members each quorum queue has."""
        rows = [line.split("\t") for line in self.ctl("list_queues", "name", "type", "members")]
        return {name: members.count("@") for name, kind, members in rows if kind == "quorum"}

    def primary(self) -> str:
        """The program that is the primary."""
        with MongoClient[dict[str, Any]](self._mongo_uri, serverSelectionTimeoutMS=30_000) as client:
            port = client.admin.command("hello")["me"].rpartition(":")[2]
        return next(f"mongodb-{number}" for number in NUMBERS if str(self._ports[number]["mongodb"]) == port)

    def kill(self, program: str) -> None:
        """SIGKILL; the supervisor starts it again."""
        name = MAIN_PROCESS[program.partition("-")[0]]
        for process in started_here(self.home, program):
            if process.name() == name:
                process.kill()

    def ctl(self, *arguments: str) -> list[str]:
        """The lines that rabbitmqctl prints, asked of a node that answers."""
        for number in NUMBERS:
            command = ["/usr/lib/rabbitmq/bin/rabbitmqctl", "--silent", "--timeout", "20", *arguments]
            environment = {**os.environ, **self._environment(number)}
            done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
            if done.returncode == 0:
                return [line for line in done.stdout.splitlines() if line.strip()]
        raise AssertionError(f"no node answers: {done.stdout}{done.stderr}")

    @property
    def _mongo_uri(self) -> str:
        password = quote(self._secrets.database[ADMIN], safe="")
        members = ",".join(f"localhost:{ports['mongodb']}" for ports in self._ports.values())
        return f"mongodb://{ADMIN}:{password}@{members}/?authSource=admin&replicaSet=rs0"

    def _choose(self, number: int) -> dict[str, int]:
        return choose_ports(self.home / f"ports-{number}.json", prefer=False)

    def _node(self, number: int) -> str:
        return rabbitmq.environment(self.home, self._ports[number])["RABBITMQ_NODENAME"]

    def _environment(self, number: int) -> dict[str, str]:
        environment = rabbitmq.environment(self.home / f"rabbitmq-{number}", self._ports[number]) | SMALL
        environment["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] += " +S 1:1"
        return environment

    def _write(self, number: int, cookie: str) -> None:
        directory = self.home / f"rabbitmq-{number}"
        peers = [f"cluster_formation.classic_config.nodes.{peer} = {self._node(peer)}" for peer in NUMBERS]
        more = ["cluster_partition_handling = pause_minority", *peers]
        rabbitmq.write_configuration(directory, self._ports[number], self._secrets.broker, "\n".join(more))
        write_private(directory / ".erlang.cookie", cookie)
        (directory / ".erlang.cookie").chmod(0o400)
        mongodb.prepare(self.home / f"mongodb-{number}", self._secrets.database_key)

    def _programs(self) -> Iterator[Program]:
        yield Program("epmd", ["epmd", "-port", str(self._ports[1]["epmd"])], self._environment(1), priority=1)
        mongod = mongodb.find_mongod()
        assert mongod is not None
        for number in NUMBERS:
            environment = self._environment(number)
            yield Program(f"rabbitmq-{number}", [rabbitmq.SERVER], environment, priority=9 + number)
            command = mongodb.command(mongod, self.home / f"mongodb-{number}", self._ports[number]["mongodb"])
            yield Program(f"mongodb-{number}", command, priority=10)

    def _replicate(self) -> None:
        members = [{"_id": n, "host": f"localhost:{self._ports[n]['mongodb']}"} for n in NUMBERS]
        settings = {"electionTimeoutMillis": ELECTION_MS}
        first = f"localhost:{self._ports[1]['mongodb']}"
        with MongoClient[dict[str, Any]](first, directConnection=True, serverSelectionTimeoutMS=90_000) as client:
            eventually(self._members_listen, UP_WITHIN)
            configuration = {"_id": "rs0", "members": members, "settings": settings}
            client.admin.command("replSetInitiate", configuration)
        provision_database(first, self._secrets.database)

    def _members_listen(self) -> bool:
        return all(_answers(self._ports[number]["mongodb"]) for number in NUMBERS)

    def _nodes_running(self) -> int:
        with suppress(AssertionError):
            return len(json.loads("".join(self.ctl("cluster_status", "--formatter", "json")))["running_nodes"])
        return 0

    def _states(self) -> list[str]:
        try:
            with MongoClient[dict[str, Any]](self._mongo_uri, serverSelectionTimeoutMS=3_000) as client:
                members = client.admin.command("replSetGetStatus")["members"]
        except PyMongoError:
            return []
        return sorted(member["stateStr"] for member in members)


def _answers(port: int) -> bool:
    with (
        suppress(PyMongoError),
        MongoClient[dict[str, Any]](
            f"localhost:{port}", directConnection=True, serverSelectionTimeoutMS=2_000
        ) as client,
    ):
        client.admin.command("hello")
        return True
    return False
