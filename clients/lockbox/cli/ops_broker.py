"""`lockbox ops outbox`, `ops topology`: events that wait to be published, and the queues on the broker."""

from lockbox.cli.app import App
from lockbox.cli.ops_answers import require_all
from lockbox.cli.output import Json, say, show_json, show_rows
from lockbox.cli.session import ask, load_session

topology = App(help="Queues and exchanges on the broker.", no_args_is_help=True)

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


def outbox(as_json: Json = False) -> None:
    """Show the number of documents of each service with events that are not published yet."""
    found = ask(load_session(), "GET", "/ops/outbox")
    if as_json:
        show_json(found)
    else:
        show_rows(found["items"], OUTBOX)
    require_all(found)


@topology.command("check")
def check(as_json: Json = False) -> None:
    """Check the queues and exchanges on the broker; exit code 1 if one is missing or wrong."""
    found = ask(load_session(), "GET", "/ops/topology")
    if as_json:
        show_json(found)
    else:
        show_rows(found["items"], TOPOLOGY)
    wrong = [f"{item['name']}: {item['fault']}" for item in found["items"] if item["fault"]]
    require_all(found, wrong)
    if not as_json:
        say(f"All {len(found['items'])} are as they should be.")
