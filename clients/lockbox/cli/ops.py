"""`lockbox ops`: for operators; each service answers for its own queues and outbox."""

from typing import Annotated, Any

import typer

from lockbox.cli import ops_keys
from lockbox.cli.output import Json, say, show_fields, show_json, show_rows
from lockbox.cli.session import CommandError, StoredSession, ask, load_session

app = typer.Typer(
    help="For operators: what is parked, what waits, what the broker lacks, and the keys.", no_args_is_help=True
)
parked = typer.Typer(help="Messages that could not be handled.", no_args_is_help=True)
topology = typer.Typer(help="Queues and exchanges on the broker.", no_args_is_help=True)
app.add_typer(parked, name="parked")
app.add_typer(topology, name="topology")
app.add_typer(ops_keys.app, name="keys")

COUNTS = (("QUEUE", "queue"), ("PARKED", "parked"))
COLUMNS = (
    ("PARKED ID", "parked_id"),
    ("QUEUE", "queue"),
    ("PARKED", "parked_at"),
    ("EVENT", "event_type"),
    ("ATTEMPT", "attempt"),
    ("BYTES", "size"),
    ("REASON", "reason"),
)
FIELDS = (
    ("Parked ID", "parked_id"),
    ("Queue", "queue"),
    ("Parked", "parked_at"),
    ("Reason", "reason"),
    ("Attempt", "attempt"),
    ("Came by", "origin"),
    ("Event ID", "event_id"),
    ("Event", "event_type"),
    ("Bytes", "size"),
    ("SHA-256", "sha256"),
    ("Body", "body"),
)
OUTBOX = (
    ("SERVICE", "service"),
    ("WAITING", "waiting"),
    ("OLDEST, SECONDS", "oldest_seconds"),
    ("PUBLISHED", "published"),
)
TOPOLOGY = (
    ("SERVICE", "service"),
    ("KIND", "kind"),
    ("NAME", "name"),
    ("MESSAGES", "messages"),
    ("CONSUMERS", "consumers"),
    ("FAULT", "fault"),
)
Queue = Annotated[str, typer.Argument(help="The queue, such as audit_service.on_event.v1.")]
ParkedId = Annotated[str, typer.Argument(help="The parked ID.")]
OneId = Annotated[str | None, typer.Argument(help="The parked ID; or give --all.")]
Every = Annotated[bool, typer.Option("--all", help="All that are parked now.")]


@parked.command("list")
def list_parked(
    queue: Annotated[str | None, typer.Option(help="Only of this queue.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List the messages that are parked, without their bodies."""
    params: dict[str, Any] = {"limit": limit} | ({"queue": queue} if queue else {})
    found = ask(load_session(), "GET", "/ops/parked", params=params)
    if as_json:
        show_json(found)
    else:
        show_rows(found["queues"], COUNTS)
        if found["items"]:
            say("")
            show_rows(found["items"], COLUMNS)
    _complain(found)


@parked.command("show")
def show(queue: Queue, parked_id: ParkedId, as_json: Json = False) -> None:
    """Look into a parked message; that you read it is on record."""
    found = ask(load_session(), "GET", f"/ops/parked/{queue}/{parked_id}")
    if as_json:
        show_json(found)
        return
    show_fields(found, FIELDS)
    if found["truncated"]:
        say("The body goes on.")


@parked.command("replay")
def replay(queue: Queue, parked_id: OneId = None, every: Every = False, as_json: Json = False) -> None:
    """Have a parked message handled again, or all of a queue; it may be parked again."""
    session = load_session()
    if _is_one(parked_id, every):
        done = ask(session, "POST", f"/ops/parked/{queue}/{parked_id}/replay")["items"]
    else:
        done = _until_done(session, "POST", f"/ops/parked/{queue}/replay")
    _report("Replayed", done, queue, as_json)


@parked.command("drop")
def drop(
    queue: Queue,
    parked_id: OneId = None,
    every: Every = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether all shall go.")] = False,
    as_json: Json = False,
) -> None:
    """Give a parked message up, or all of a queue, for good."""
    session = load_session()
    if _is_one(parked_id, every):
        done = ask(session, "DELETE", f"/ops/parked/{queue}/{parked_id}")["items"]
    else:
        if not yes:
            typer.confirm(f"Give up all parked messages of {queue}, for good?", abort=True, err=True)
        done = _until_done(session, "DELETE", f"/ops/parked/{queue}")
    _report("Dropped", done, queue, as_json)


@app.command("outbox")
def outbox(as_json: Json = False) -> None:
    """Show how many documents of each service hold events that the broker does not have yet."""
    found = ask(load_session(), "GET", "/ops/outbox")
    if as_json:
        show_json(found)
    else:
        show_rows(found["items"], OUTBOX)
    _complain(found)


@topology.command("check")
def check(as_json: Json = False) -> None:
    """Compare what should be on the broker with what is there; exit code 1 when something is wrong."""
    found = ask(load_session(), "GET", "/ops/topology")
    if as_json:
        show_json(found)
    else:
        show_rows(found["items"], TOPOLOGY)
    wrong = [f"{item['name']}: {item['fault']}" for item in found["items"] if item["fault"]]
    _complain(found, wrong)
    if not as_json:
        say(f"All {len(found['items'])} are as they should be.")


def _is_one(parked_id: str | None, every: bool) -> bool:
    if (parked_id is None) != every:
        raise CommandError("give either a parked ID or --all")
    return not every


def _until_done(session: StoredSession, method: str, path: str) -> list[dict[str, Any]]:
    """All that were parked when it began, a part at a time; what parks again meanwhile comes after them."""
    answer = ask(session, method, path)
    done, total = answer["items"], len(answer["items"]) + answer["left"]
    while answer["items"] and len(done) < total:
        answer = ask(session, method, path)
        done += answer["items"]
    return list(done)


def _report(did: str, done: list[dict[str, Any]], queue: str, as_json: bool) -> None:
    if as_json:
        show_json({"items": done})
        return
    for message in done:
        say(f"{did} {message['parked_id']} ({message['event_type'] or 'unreadable'}, {message['size']} bytes).")
    say(f"{did} {len(done)} of {queue}; it is on record.")


def _complain(found: dict[str, Any], wrong: list[str] | None = None) -> None:
    said = [f"{one['service']} did not answer: {one['detail']} [{one['code']}]" for one in found["silent"]]
    if complaints := [*said, *(wrong or [])]:
        raise CommandError("\n  ".join(complaints))
