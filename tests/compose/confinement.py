"""What the containers may do, and what they give away: `python -m tests.compose.confinement`."""

import json
from collections.abc import Iterator
from typing import Any

from lockbox.provision.secrets import SERVICES
from tests.compose.containers import compose, containers_of, docker, master_secrets

ALL = ("rabbitmq", "mongodb", "mailpit", "content_service", "provision", "database", *SERVICES)
OWN_IMAGE = ("content_service", "provision", "database", *SERVICES)
VOLUMES = {
    "rabbitmq": {"rabbitmq_configuration", "rabbitmq_data"},
    "mongodb": {"mongodb_key", "mongodb_data"},
    "mailpit": set[str](),
    "database": {"secrets"},
    **{service: {service} for service in (*SERVICES, "content_service")},
}
WRITABLE = {"rabbitmq_data", "mongodb_data"}


def main() -> None:
    """Look at all of them."""
    containers = {service: containers_of(service, stopped=True)[0].inspect() for service in ALL}
    for service, container in containers.items():
        check_rights(service, container)
        check_ports(container)
    for service, volumes in VOLUMES.items():
        check_volumes(containers[service], volumes)
    check_secrets(list(containers.values()))


def check_rights(service: str, container: dict[str, Any]) -> None:
    """Nobody is root or can become it, and our own image is not written to."""
    host = container["HostConfig"]
    assert container["Config"]["User"] not in ("", "0", "root"), service
    assert host["CapDrop"] == ["ALL"], service
    assert not host["CapAdd"], service
    assert not host["Privileged"], service
    assert "no-new-privileges:true" in host["SecurityOpt"], service
    assert host["ReadonlyRootfs"] or service not in OWN_IMAGE, service


def check_ports(container: dict[str, Any]) -> None:
    """What is published is published for this machine alone."""
    published = [binding for bindings in container["HostConfig"]["PortBindings"].values() for binding in bindings]
    assert {binding["HostIp"] for binding in published} <= {"127.0.0.1"}


def check_volumes(container: dict[str, Any], expected: set[str]) -> None:
    """A container sees its own volumes and writes to its data alone."""
    project = container["Config"]["Labels"]["com.docker.compose.project"]
    mounted = {
        mount["Name"].removeprefix(f"{project}_"): mount["RW"]
        for mount in container["Mounts"]
        if mount["Type"] != "tmpfs"
    }
    assert mounted.keys() == expected
    assert {volume for volume, writable in mounted.items() if writable} <= WRITABLE


def check_secrets(containers: list[dict[str, Any]]) -> None:
    """No secret is in a log, in what `docker inspect` shows, or in how the image was made."""
    image = {container["Config"]["Image"] for container in containers}
    shown = {
        "docker compose logs": compose("logs", "--no-color"),
        "docker inspect": json.dumps(containers),
        "docker history": "".join(docker("history", "--no-trunc", name) for name in sorted(image)),
    }
    secrets = list(secret_texts(master_secrets()))
    assert len(secrets) > len(SERVICES)
    for where, text in shown.items():
        found = sum(secret in text for secret in secrets)
        assert not found, f"{found} secrets are in {where}"


def secret_texts(files: dict[str, str]) -> Iterator[str]:
    """Every password, token and private key."""
    passwords = json.loads(files["passwords.json"])
    yield from passwords.pop("broker").values()
    yield from passwords.pop("database").values()
    yield from passwords.values()
    for account in json.loads(files["demo-accounts.json"])["accounts"].values():
        yield account["password"]
    yield from (line for line in files["caller.pem"].splitlines() if line and not line.startswith("-----"))


if __name__ == "__main__":
    main()
