"""Anybody can listen with stock Nameko, without any of Lockbox's code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import amqp
from kombu import Connection
from tests.people import People
from tests.waiting import eventually

LISTENER = """
import json, os
from nameko.events import event_handler

class Listener:
    name = "stock_listener"

    @event_handler("request_service", "request_created")
    def on_request_created(self, payload):
        with open(os.environ["HEARD"], "a") as file:
            file.write(json.dumps(payload) + "\\n")
"""


def test_stock_service_when_a_request_is_created_hears_of_it(
    tmp_path: Path, admin_amqp_uri: str, people: People
) -> None:
    (tmp_path / "listener.py").write_text(LISTENER)
    heard = tmp_path / "heard"
    nameko = Path(sys.executable).with_name("nameko")
    queue = "evt-request_service-request_created--stock_listener.on_request_created"
    process = subprocess.Popen(
        [nameko, "run", "--broker", admin_amqp_uri, "listener"], cwd=tmp_path, env={**os.environ, "HEARD": str(heard)}
    )
    try:
        eventually(lambda: consumers_of(admin_amqp_uri, queue))
        request_id = people.engineer.ask()
        events = eventually(lambda: heard.exists() and [json.loads(line) for line in heard.read_text().splitlines()])
        [event] = [event for event in events if event["subject"] == request_id]
        assert event["specversion"] == "1.0"
        assert event["type"] == "request_created"
        assert event["data"]["service_request"] == "SR-359423"
    finally:
        process.kill()
        process.wait()
        with Connection(admin_amqp_uri) as connection:
            connection.default_channel.queue_delete(queue)


def consumers_of(uri: str, queue: str) -> int:
    with Connection(uri) as connection:
        try:
            return int(connection.default_channel.queue_declare(queue, passive=True).consumer_count)
        except amqp.NotFound:
            return 0
