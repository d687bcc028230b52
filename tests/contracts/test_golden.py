"""What other programs read: one file for each type and version of event, byte for byte as it is published.

A file, once released, never changes: events of that form are on record for ever, and consumers rely on it.

To add a type: define the fact, add an example at the end of those in `examples.py`, and write its file once with
`python -m tests.contracts.write_golden`. It writes what is missing and never touches what is there.

To add a field: give it a default, so that what is on record can still be read. What is published changes, so move the
file to `golden/earlier` (with a number before `.json`), where it goes on being read, and write a new one.

To change anything else: add a new version. `dataversion = 2` in a fact of the same name; the old one goes into the
module `earlier`, with a method `latest` that says it in today's words; an example for each; a second file beside the
first. `test_new_version_...` shows it.
"""

import json
import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from tests.contracts.examples import EARLIER, GOLDEN, KINDS, examples, file_name

from lockbox.contracts import events
from lockbox.contracts.events import FACTS, Event, Fact, read_event
from lockbox.contracts.fields import Email, Uuid
from lockbox.contracts.policy.facts import PolicyChanged
from lockbox.crypto.canonical import canonical

EXAMPLES = {name: (event, fact) for name, event, fact in examples()}
CONTEXT = {"specversion", "id", "source", "type", "time", "subject", "datacontenttype"}
EXTENSIONS = {"tenant", "actor", "sequence", "dataversion", "correlationid", "causationid"}
every_example = pytest.mark.parametrize("name", EXAMPLES)


def golden(name: str) -> bytes:
    return (GOLDEN / name).read_bytes()


def attributes(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(golden(name))
    del document["data"]
    return document


# --- one file for each ---------------------------------------------------------------------------------------------


def test_files_when_counted_are_one_for_each_registered_fact_and_no_more() -> None:
    files = {path.name for path in GOLDEN.iterdir() if path != EARLIER}
    facts = {file_name(kind) for kind in KINDS}
    assert sorted(facts - files) == [], "facts without a golden file; the top of this module says how to add one"
    assert sorted(files - facts) == [], "files that no fact reads; a released version may not be dropped"


def test_examples_when_counted_are_one_for_each_registered_fact_and_no_more() -> None:
    assert set(EXAMPLES) == {file_name(kind) for kind in KINDS}
    assert len(EXAMPLES) == len(list(examples()))


# --- reading and writing -------------------------------------------------------------------------------------------


@every_example
def test_file_when_read_gives_the_expected_event_and_fact(name: str) -> None:
    event, fact = EXAMPLES[name]
    read = read_event(golden(name))
    assert read == event
    assert read.fact() == fact.latest()
    assert type(read.fact()) is type(fact.latest())


@every_example
def test_event_when_written_gives_the_same_bytes(name: str) -> None:
    event, _ = EXAMPLES[name]
    assert event.payload() == golden(name), "a published form changed; the top of this module says what to do"


@every_example
def test_file_when_read_and_written_again_gives_the_same_bytes(name: str) -> None:
    assert read_event(golden(name)).payload() == golden(name)


@every_example
def test_file_when_its_bytes_are_looked_at_is_canonical_json(name: str) -> None:
    assert canonical(json.loads(golden(name))) == golden(name)
    assert not golden(name).endswith(b"\n")


@every_example
def test_file_when_a_later_release_adds_fields_can_still_be_read(name: str) -> None:
    document = json.loads(golden(name))
    document["laterattribute"] = "x"
    document["data"]["later_field"] = {"a": [1]}
    assert read_event(canonical(document)).fact() == EXAMPLES[name][1].latest()


@every_example
def test_file_when_named_says_what_is_in_it(name: str) -> None:
    document = json.loads(golden(name))
    assert name == f"{document['source']}.{document['type']}.v{document['dataversion']}.json"


def test_earlier_files_when_read_still_give_a_fact_and_their_bytes() -> None:
    for path in EARLIER.glob("*.json"):
        read = read_event(path.read_bytes())
        assert read.fact(), path.name
        assert read.payload() == path.read_bytes(), path.name


# --- CloudEvents ---------------------------------------------------------------------------------------------------


@every_example
def test_file_when_the_cloudevents_sdk_reads_it_is_an_event_of_version_1(name: str) -> None:
    event, _ = EXAMPLES[name]
    read = JSONFormat().read(None, golden(name))
    assert isinstance(read, CloudEvent)
    assert read.get_specversion() == "1.0"
    assert (read.get_id(), read.get_source(), read.get_type()) == (event.id, event.source, event.type)
    assert (read.get_subject(), read.get_time()) == (event.subject, event.time)
    assert (read.get_datacontenttype(), read.get_data()) == ("application/json", event.data)
    for extension in EXTENSIONS:
        assert read.get_extension(extension) == getattr(event, extension)


@every_example
def test_file_when_the_cloudevents_sdk_writes_it_again_means_the_same(name: str) -> None:
    written = JSONFormat().write(JSONFormat().read(None, golden(name)))
    assert read_event(written) == EXAMPLES[name][0]


@every_example
def test_file_when_posted_as_a_structured_cloudevent_is_understood(name: str) -> None:
    message = HTTPMessage({"Content-Type": "application/cloudevents+json"}, golden(name))
    assert from_http(message, JSONFormat()).get_id() == EXAMPLES[name][0].id


@every_example
def test_attributes_when_named_conform_to_cloudevents(name: str) -> None:
    named = attributes(name)
    assert [each for each in named if not re.fullmatch(r"[a-z0-9]{1,20}", each)] == []
    assert set(named) >= CONTEXT
    assert set(named) <= CONTEXT | EXTENSIONS


@every_example
def test_attributes_when_given_values_have_those_that_cloudevents_allows(name: str) -> None:
    for attribute, value in attributes(name).items():
        assert isinstance(value, str | int), attribute
        assert not isinstance(value, bool), attribute
        assert value != "", attribute
        assert isinstance(value, str) or -(2**31) <= value < 2**31, attribute
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", str(value)), attribute


@every_example
def test_attributes_when_of_the_context_are_as_cloudevents_describes_them(name: str) -> None:
    named = attributes(name)
    assert named["specversion"] == "1.0"
    assert named["datacontenttype"] == "application/json"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", named["time"])
    assert re.fullmatch(r"[a-z]+_service", named["source"]), "a relative URI reference"
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", named["type"])


def test_ids_when_taken_together_are_all_different() -> None:
    ids = [event.id for event, _ in EXAMPLES.values()]
    assert len(set(ids)) == len(ids)


def test_tenant_when_it_concerns_the_vendor_alone_is_absent() -> None:
    without = {name for name in EXAMPLES if "tenant" not in attributes(name)}
    assert without == {name for name, (_, fact) in EXAMPLES.items() if fact.tenant is None}
    assert without


# --- a new field, a new version ------------------------------------------------------------------------------------


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> type[Fact]:
    """`grant_activated` of a later release, in which `request_id` has another name."""
    monkeypatch.setattr(events, "FACTS", dict(FACTS))

    @dataclass(frozen=True, kw_only=True)
    class GrantActivated(Fact, source="approval_service", subject="grant_id"):
        dataversion: ClassVar[int] = 2

        grant_id: Uuid
        request: Uuid

    return GrantActivated


def test_new_field_when_absent_from_a_file_takes_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "FACTS", dict(FACTS))

    @dataclass(frozen=True, kw_only=True)
    class MemberRemoved(Fact, source="portal_service", subject="email"):
        email: Email
        reason: str = "not said"

    fact = read_event(golden("portal_service.member_removed.v1.json")).fact()
    assert fact == MemberRemoved(tenant="contoso", email="carol@contoso.example", reason="not said")


def test_new_version_when_added_has_a_file_beside_the_old_one(later: type[Fact]) -> None:
    assert file_name(later) == "approval_service.grant_activated.v2.json"
    assert file_name(events.FACTS["approval_service", "grant_activated", 1]) in EXAMPLES
    assert set(events.FACTS) - set(FACTS) == {("approval_service", "grant_activated", 2)}


def test_new_version_when_added_leaves_the_old_one_readable(later: type[Fact]) -> None:
    old = "approval_service.grant_activated.v1.json"
    assert read_event(golden(old)).fact() == EXAMPLES[old][1]
    assert read_event(golden(old)).payload() == golden(old)
    assert events.FACTS["approval_service", "grant_activated", 2] is later


def test_old_policy_when_read_has_its_quorum_in_the_customers_stage() -> None:
    fact = read_event(golden("approval_service.policy_changed.v1.json")).fact()
    assert isinstance(fact, PolicyChanged)
    assert [(stage.name, stage.groups[0].approvals) for stage in fact.stages] == [("Vendor", 1), ("Customer", 1)]
    old = EXAMPLES["approval_service.policy_changed.v1.json"][1]
    three = replace(old, customer_quorum=3, maximum_duration=timedelta(hours=2)).latest()
    assert isinstance(three, PolicyChanged)
    assert three.stages[1].groups[0].approvals == 3
    assert (three.default_duration, three.maximum_total) == (timedelta(hours=2), timedelta(hours=8))
    assert (three.version, three.service_request_pattern) == (4, "SR-######")


def test_new_version_when_published_is_read_as_what_it_is(later: type[Fact]) -> None:
    document = json.loads(golden("approval_service.grant_activated.v1.json")) | {"dataversion": 2}
    document["data"]["request"] = document["data"].pop("request_id")
    read: Event = read_event(canonical(document))
    assert type(read.fact()) is later
    assert read.payload() == canonical(document)
