"""The short set of outages: a call that loses its broker, a broker that takes nothing, a half-open network."""

import time

import pytest
from pymongo.errors import AutoReconnect

from lockbox.provision.secrets import ADMIN
from lockbox.runtime.broker.connection import ANSWER_SECONDS
from lockbox.runtime.broker.publisher import Message, PublishError
from lockbox.runtime.broker.publisher_pool import Publishers
from lockbox.runtime.storage.mongo import connect
from tests.chaos import mails, outages, stops
from tests.chaos.arena import Arena
from tests.chaos.conftest import Judged
from tests.chaos.proxy import Proxy

pytestmark = pytest.mark.timeout(300)


def test_call_when_the_broker_restarts_meanwhile_is_answered_and_has_one_effect(arena: Arena, judged: Judged) -> None:
    with judged("broker restarted in a call") as row:
        outages.restarted_in_a_call(arena, row, arena.stack)


def test_command_when_the_broker_is_out_of_memory_is_refused_in_time(arena: Arena, judged: Judged) -> None:
    with judged("alarm") as row:
        outages.alarmed(arena, row, arena.stack, "memory", 1.0)


def test_readiness_when_mongodb_hangs_answers_within_a_second(arena: Arena, judged: Judged) -> None:
    with judged("MongoDB hangs") as row:
        stops.database_hangs(arena, row)


@pytest.mark.parametrize("error", ["Unauthorized", "WriteConcernFailed"])
def test_messages_when_mongodb_refuses_are_held_and_none_is_parked(arena: Arena, judged: Judged, error: str) -> None:
    with judged(f"MongoDB refuses, {error}") as row:
        outages.refused(arena, row, error, 3.0)


def test_emails_when_the_mail_server_hangs_for_a_domain_go_out_to_the_others(arena: Arena, judged: Judged) -> None:
    with judged("mail server hangs") as row:
        mails.hanging(arena, row, 1.0)


def test_services_when_no_file_can_be_opened_go_on_afterwards(arena: Arena, judged: Judged) -> None:
    with judged("no open files") as row:
        stops.files_run_out(arena, row, seconds=1.5)


def test_publish_when_the_network_is_half_open_fails_in_time_and_works_when_it_is_well(arena: Arena) -> None:
    proxy = Proxy(arena.stack.ports["amqp"])
    uri = arena.stack.servers.broker_uri(ADMIN, arena.stack.secrets.broker)
    publishers = Publishers(uri.replace(str(arena.stack.ports["amqp"]), str(proxy.port)))
    message = Message("1", "", "nowhere", b"{}")
    try:
        assert not publishers.publish(message)
        proxy.swallow()
        began = time.monotonic()
        with pytest.raises(PublishError):
            publishers.publish(message)
        assert time.monotonic() - began < 2 * ANSWER_SECONDS
        proxy.heal()
        assert not publishers.publish(message)
    finally:
        publishers.close()
        proxy.close()


def test_write_when_the_network_was_cut_works_again(arena: Arena) -> None:
    proxy = Proxy(arena.stack.ports["mongodb"])
    uri = arena.stack.servers.database_uri(ADMIN, arena.stack.secrets.database)
    uri = uri.replace(str(arena.stack.ports["mongodb"]), str(proxy.port)).replace(
        "replicaSet=rs0", "directConnection=true"
    )
    client = connect(uri, "test")
    try:
        client.admin.command("ping")
        proxy.cut()
        with pytest.raises(AutoReconnect):
            client.admin.command("ping")
        proxy.heal()
        client.admin.command("ping")
    finally:
        client.close()
        proxy.close()
