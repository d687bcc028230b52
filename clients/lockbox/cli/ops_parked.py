"""`lockbox ops parked`: messages that a service could not handle."""

from typing import Annotated, Any

import typer

from lockbox.cli.app import App
from lockbox.cli.arguments import Limit, OneId, ParkedId, Queue, a_queue
from lockbox.cli.ops_answers import require_all
from lockbox.cli.output import Json, say, show_fields, show_json, show_rows
from lockbox.cli.session import CommandError, StoredSession, ask, load_session

app = App(help="Messages that could not be handled.", no_args_is_help=True)

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
    ("Exchange", "origin"),
    ("Event ID", "event_id"),
    ("Event", "event_type"),
    ("Bytes", "size"),
    ("SHA-256", "sha256"),
    ("Body", "body"),
)
EveryMessage = Annotated[bool, typer.Option("--all", help="All messages that are parked now.")]


@app.command("list")
def list_parked(
    queue: Annotated[str | None, typer.Option(help="Only messages of this queue.", callback=a_queue)] = None,
    limit: Limit = 50,
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
    require_all(found)


@app.command("show")
def show(queue: Queue, parked_id: ParkedId, as_json: Json = False) -> None:
    """Show a parked message; the read is put on record."""
    found = ask(load_session(), "GET", f"/ops/parked/{queue}/{parked_id}")
    if as_json:
        show_json(found)
        return
    show_fields(found, FIELDS)
    if found["truncated"]:
        say("The body goes on.")


@app.command("replay")
def replay(queue: Queue, parked_id: OneId = None, every: EveryMessage = False, as_json: Json = False) -> None:
    """Replay a parked message, or all of a queue; a message that fails again is parked again."""
    session = load_session()
    if _is_one(parked_id, every):
        done = ask(session, "POST", f"/ops/parked/{queue}/{parked_id}/replay")["items"]
    else:
        done = _until_done(session, "POST", f"/ops/parked/{queue}/replay")
    _report("Replayed", done, queue, as_json)


@app.command("drop")
def drop(
    queue: Queue,
    parked_id: OneId = None,
    every: EveryMessage = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: Json = False,
) -> None:
    """Drop a parked message, or all of a queue, for good."""
    session = load_session()
    if _is_one(parked_id, every):
        done = ask(session, "DELETE", f"/ops/parked/{queue}/{parked_id}")["items"]
    else:
        if not yes:
            typer.confirm(f"Drop all parked messages of {queue}, for good?", abort=True, err=True)
        done = _until_done(session, "DELETE", f"/ops/parked/{queue}")
    _report("Dropped", done, queue, as_json)


def _is_one(parked_id: str | None, every: bool) -> bool:
    if (parked_id is None) != every:
        raise CommandError("give either a parked ID or --all")
    return not every


def _until_done(session: StoredSession, method: str, path: str) -> list[dict[str, Any]]:
    """Return the messages that were parked at the start, page by page; those that park meanwhile come after them."""
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
