"""The delay of a revocation, with all of Lockbox and 8 guards in 8 processes.

Measured from the answer of a revocation to the refusal, and from the stop of the portal, with every connection open, to
the refusal, which has to come within `Options.stale_after`.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from bench.decision import ask, decide, people
from bench.guard_process import THUMBPRINT
from bench.programs import eventually, lockbox_process, lockbox_service
from lockbox.embedded.stack import Stack

GUARDS, REVOCATIONS = 8, 20
OTHERS = ("request_service", "approval_service", "audit_service", "notify_service")

Spread = dict[str, list[float]]


def measure(stack: Stack) -> tuple[Spread, Spread]:
    """Return the milliseconds from a revocation to the refusals, and from the stop of the portal."""
    with ExitStack() as running:
        for service in OTHERS:
            running.enter_context(lockbox_service(stack, service))
        portal = running.enter_context(lockbox_process(stack, "portal_service"))
        clients = people(stack)
        guards = running.enter_context(_guards(stack))
        delays = [_revoke(clients, guards) for _ in range(REVOCATIONS)]
        silent = _silence(portal, clients, guards)
    each = [late for refusals in delays for late in refusals]
    revoked = {f"at each of {GUARDS} guards": each, "at the last of them": [max(refusals) for refusals in delays]}
    return revoked, {f"at each of {GUARDS} guards": silent}


class GuardProcess:
    """A guard in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def show(self, grant: str) -> None:
        """Give it a grant; return when it allows the grant."""
        print(grant, file=self._process.stdin, flush=True)
        if self._line() != "open":
            raise AssertionError("the guard does not allow the grant")

    def refused_at(self, reason: str) -> float:
        """Return the moment of its first refusal; raises AssertionError for another reason."""
        given, _, moment = self._line().partition(" ")
        if given != reason:
            raise AssertionError(f"expected {reason}, got {given!r}")
        return float(moment)

    def _line(self) -> str:
        return next(iter(self._process.stdout or ())).strip()


@contextmanager
def _guards(stack: Stack) -> Iterator[list[GuardProcess]]:
    token_file = stack.home / "guards.token"
    token_file.touch(mode=0o600)
    token_file.write_text(stack.secrets.enforcement_point_token)
    with ExitStack() as running:
        yield [running.enter_context(_guard(stack.portal_url, token_file)) for _ in range(GUARDS)]


@contextmanager
def _guard(portal: str, token_file: Path) -> Iterator[GuardProcess]:
    command = [sys.executable, "-m", "bench.guard_process", portal, str(token_file)]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        yield GuardProcess(process)
        process.kill()


def _revoke(clients: Sequence[httpx.Client], guards: Sequence[GuardProcess]) -> list[float]:
    """Open an access and revoke it; return the delay of each guard."""
    grant_id = _open(clients, guards)
    clients[1].post(f"/grants/{grant_id}/revoke", json={}).raise_for_status()
    answered = time.monotonic()
    return [max(0.0, guard.refused_at("grant_revoked") - answered) * 1000 for guard in guards]


def _silence(
    portal: subprocess.Popen[bytes], clients: Sequence[httpx.Client], guards: Sequence[GuardProcess]
) -> list[float]:
    """Open an access and stop the portal; return the delay of each guard."""
    _open(clients, guards)
    stopped = time.monotonic()
    os.kill(portal.pid, signal.SIGSTOP)
    try:
        return [(guard.refused_at("revocations_stale") - stopped) * 1000 for guard in guards]
    finally:
        os.kill(portal.pid, signal.SIGCONT)


def _open(clients: Sequence[httpx.Client], guards: Sequence[GuardProcess]) -> str:
    """Ask for access, approve it, and show the grant to the guards; return its id."""
    engineer, *approvers = clients
    request_id, found = ask(engineer), list[str]()
    for approver in approvers:
        decide(approver, request_id)

    def active() -> bool:
        grant = engineer.get(f"/requests/{request_id}").raise_for_status().json()["grant"] or {}
        found.extend([grant["id"]] if grant.get("state") == "ACTIVE" else [])
        return bool(found)

    eventually(active, "no grant")
    token = (
        engineer.get(f"/grants/{found[0]}/token", params={"x5t_s256": THUMBPRINT}).raise_for_status().json()["token"]
    )
    for guard in guards:
        guard.show(token)
    return found[0]
