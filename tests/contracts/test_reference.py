"""The generated reference of events: complete, up to date, and valid for the parser of the AsyncAPI initiative."""

import json
from functools import cache, reduce
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from scripts.reference import catalogue
from scripts.reference.__main__ import documents, stale
from scripts.reference.asyncapi import asyncapi_document
from scripts.reference.catalogue import ROOT, EventVersion, event_entries, event_versions
from scripts.reference.events_page import ATTRIBUTES
from scripts.reference.schemas import ENVELOPE
from tests.contracts.examples import KINDS, examples
from tests.npm.installed import run_script

VERSIONS = event_versions()
DOCUMENT = asyncapi_document(VERSIONS)
TEXTS = documents()
EVENTS = {name: json.loads(event.payload()) for name, event, _ in examples()}
every_version = pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)


# --- complete ------------------------------------------------------------------------------------------------------


def test_versions_when_counted_are_all_contracts() -> None:
    assert {version.kind for version in VERSIONS} == set(KINDS)
    assert len(VERSIONS) == len(KINDS)


def test_entries_when_taken_together_hold_each_version_once() -> None:
    held = [version.name for entry in event_entries() for version in entry.versions]
    assert sorted(held) == sorted(version.name for version in VERSIONS)


@every_version
def test_channel_when_read_names_exchange_routing_key_and_listeners(version: EventVersion) -> None:
    channel = DOCUMENT["channels"][f"{version.source}.{version.routing_key}"]
    assert channel["bindings"]["amqp"]["exchange"]["name"] == f"{version.source}.events"
    assert channel["address"] == version.routing_key
    assert channel["x-listeners"][0] == "audit_service.on_event.v1"
    assert f"v{version.number}" in channel["messages"]


@every_version
def test_page_when_read_has_a_section_with_the_versions_example(version: EventVersion) -> None:
    page = TEXTS[Path("docs/events.md")]
    section = page.partition(f"\n## {version.routing_key}\n")[2].partition("\n## ")[0]
    assert version.description.split("\n")[0] in section
    assert f"`{version.exchange}`" in section
    assert f"**Data, version {version.number}**" in section


def test_envelope_when_explained_has_a_meaning_for_each_attribute() -> None:
    assert list(ATTRIBUTES) == list(DOCUMENT["components"]["schemas"][ENVELOPE]["properties"])


# --- right ---------------------------------------------------------------------------------------------------------


@cache
def validator(version: EventVersion) -> Draft202012Validator:
    resource = DRAFT202012.create_resource(DOCUMENT)
    payload = {"$ref": f"lockbox:asyncapi#/components/messages/{version.name}/payload"}
    return Draft202012Validator(payload, registry=Registry().with_resource("lockbox:asyncapi", resource))


@every_version
def test_schema_when_given_the_golden_file_accepts_it(version: EventVersion) -> None:
    assert version.example == EVENTS[f"{version.name}.json"]
    validator(version).validate(version.example)


@every_version
def test_schema_when_a_later_release_adds_a_field_accepts_it(version: EventVersion) -> None:
    later = version.example | {"laterattribute": "x"}
    later["data"]["later_field"] = {"a": [1]}
    validator(version).validate(later)


@every_version
def test_schema_when_given_another_type_or_version_refuses_it(version: EventVersion) -> None:
    assert not validator(version).is_valid(version.example | {"type": "another"})
    assert not validator(version).is_valid(version.example | {"dataversion": 99})


def test_schema_when_a_required_field_is_absent_refuses_it() -> None:
    [granted] = [version for version in VERSIONS if version.routing_key == "access_granted"]
    without = granted.example
    del without["data"]["ends_at"]
    assert not validator(granted).is_valid(without)


# --- up to date ----------------------------------------------------------------------------------------------------


def test_files_when_compared_with_the_contracts_are_up_to_date() -> None:
    assert stale(ROOT, TEXTS) == [], "run: python -m scripts.reference"


def test_stale_when_a_file_is_absent_or_differs_names_it(tmp_path: Path) -> None:
    texts = {Path("a.md"): "same\n", Path("b.md"): "new\n", Path("c.md"): "absent\n"}
    (tmp_path / "a.md").write_text("same\n")
    (tmp_path / "b.md").write_text("old\n")
    assert stale(tmp_path, texts) == [Path("b.md"), Path("c.md")]


def test_example_when_its_golden_file_is_absent_exits_with_its_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(catalogue, "GOLDEN", tmp_path)
    with pytest.raises(SystemExit, match=rf"{VERSIONS[0].name}\.json does not exist"):
        asyncapi_document(VERSIONS)


# --- AsyncAPI ------------------------------------------------------------------------------------------------------

BREAKS = {
    "neither": ("channels", "approval_service.access_granted", "bindings", "amqp", "is"),
    "shout": ("operations", "send.approval_service.access_granted", "action"),
}


def broken(value: str, path: tuple[str, ...]) -> dict[str, Any]:
    """A document of one event, with a value that AsyncAPI does not know."""
    document = asyncapi_document([version for version in VERSIONS if version.routing_key == "access_granted"])
    *above, last = path
    reduce(lambda part, name: part[name], above, document)[last] = value
    return document


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What @asyncapi/parser reports of the published document and of each broken one, from one process."""
    folder = tmp_path_factory.mktemp("asyncapi")
    files = {"published": ROOT / "docs" / "asyncapi.json", **{value: folder / value for value in BREAKS}}
    for value, path in BREAKS.items():
        files[value].write_text(json.dumps(broken(value, path)))
    return dict(zip(files, run_script("validate.js", *files.values()), strict=True))


def test_document_when_parsed_by_asyncapi_is_valid_and_has_every_channel(reports: dict[str, dict[str, Any]]) -> None:
    assert reports["published"] == {"valid": True, "errors": [], "channels": list(DOCUMENT["channels"])}


@pytest.mark.parametrize(("value", "path"), BREAKS.items())
def test_document_when_broken_is_refused_by_asyncapi(
    value: str, path: tuple[str, ...], reports: dict[str, dict[str, Any]]
) -> None:
    assert not reports[value]["valid"]
    assert [error for error in reports[value]["errors"] if error["path"].startswith(".".join(path[:2]))]
