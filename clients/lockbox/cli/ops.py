"""`lockbox ops`: the commands of operators; each service answers for its own queues and outbox."""

from lockbox.cli import ops_broker, ops_keys, ops_parked
from lockbox.cli.app import App

app = App(help="For operators: parked messages, the outbox, the broker and the keys.", no_args_is_help=True)
app.command("outbox")(ops_broker.outbox)
app.add_typer(ops_parked.app, name="parked")
app.add_typer(ops_broker.topology, name="topology")
app.add_typer(ops_keys.app, name="keys")
