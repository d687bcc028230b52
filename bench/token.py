"""The cost of a token for each call: a call with its own token, beside the same with a token that fits any call.

Both tokens are signed and verified for each call, in the same process. What differs is that the own token names the
method, the SHA-256 of the message and the reply address, and that these are compared. The service writes nothing, so
that nothing hides the difference.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from tests.rpc_client import rpc_client

from bench import turns
from bench.call_service import ANY_CALL, NAME
from bench.command import TERMS, engineer
from bench.programs import await_consumers, broker_uri, runtime_service
from bench.tables import Latencies
from lockbox import clock
from lockbox.crypto.keys import load_signing_key
from lockbox.embedded.stack import Stack
from lockbox.runtime.broker.topology import command_queue
from lockbox.runtime.rpc.caller_token import CallScope, mint


def measure(stack: Stack) -> list[Latencies]:
    """Return latencies in milliseconds, with an own token and with one for any call."""
    with runtime_service(stack, "bench.call_service"):
        await_consumers(broker_uri(stack), command_queue(NAME).name)
        return turns.measure(partial(_calls, stack))


@contextmanager
def _calls(stack: Stack) -> Iterator[tuple[turns.Run, turns.Run]]:
    key, caller, message = load_signing_key(stack.home / "secrets" / "caller.pem"), engineer(), {"terms": TERMS}

    def token(scope: CallScope) -> str:
        return mint(caller, scope, key, clock.now())

    with rpc_client(broker_uri(stack)) as client:
        yield (
            lambda: client.call(NAME, "own_token", message, token),
            lambda: client.call(NAME, "any_token", message, token(ANY_CALL)),
        )
