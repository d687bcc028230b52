"""RabbitMQ as Debian packages it, as a node with its own name, ports, cookie and data folder."""

import hashlib
import json
import os
import shutil
from pathlib import Path

from lockbox.provision.broker import PLUGINS, definitions
from lockbox.provision.files import private_directory, write_private, write_private_json

SERVER = os.environ.get("LOCKBOX_RABBITMQ_SERVER", "/usr/lib/rabbitmq/bin/rabbitmq-server")
CONFIGURATION = """\
listeners.tcp.default = 127.0.0.1:{amqp}
load_definitions = {directory}/definitions.json
log.console = true
log.console.level = warning
log.console.use_colors = off
log.file = false
disk_free_limit.absolute = 200MB
vm_memory_high_watermark.absolute = 1GB
raft.wal_max_size_bytes = 67108864
"""


def installed() -> bool:
    """Return whether RabbitMQ and Erlang are installed."""
    return Path(SERVER).exists() and shutil.which("epmd") is not None


def write_configuration(directory: Path, ports: dict[str, int], passwords: dict[str, str], more: str = "") -> None:
    """Write the files that the node reads when it starts; `more` are further lines of its configuration."""
    private_directory(directory)
    write_private(directory / "rabbitmq.conf", CONFIGURATION.format(directory=directory, **ports) + more + "\n")
    write_private(directory / "enabled_plugins", PLUGINS)
    write_private_json(directory / "definitions.json", definitions(passwords))


def fingerprint() -> str:
    """Return a digest of the definitions without the users; when it changes, the supervisor restarts the broker."""
    return hashlib.sha256(json.dumps(definitions({})).encode()).hexdigest()[:16]


def environment(directory: Path, ports: dict[str, int]) -> dict[str, str]:
    """Return the environment of the node."""
    return {
        "HOME": str(directory),
        "LOCKBOX_DEFINITIONS": fingerprint(),
        "RABBITMQ_NODENAME": f"lockbox-{ports['amqp']}@localhost",
        "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(directory / "data"),
        "RABBITMQ_LOG_BASE": str(directory / "log"),
        "RABBITMQ_DIST_PORT": str(ports["amqp_dist"]),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
        ),
        "ERL_EPMD_PORT": str(ports["epmd"]),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }
