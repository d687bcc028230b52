"""How soon guards hear, with all of Lockbox: 8 of them, in 8 processes.

From the answer to a revocation to the refusal; and from the moment at which the portal stops, with every connection
open, to the refusal, which has to come within `Options.stale_after`.
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
    """Milliseconds from a revocation to the refusals, and from the portal's silence."""
    with ExitStack() as running:
        for service in OTHERS:
            running.enter_context(lockbox_service(stack, service))
        portal = running.enter_context(lockbox_process(stack, "portal_service"))
        everybody = people(stack)
        guards = running.enter_context(_guards(stack))
        told = [_revoke(everybody, guards) for _ in range(REVOCATIONS)]
        silent = _silence(portal, everybody, guards)
    each = [late for refusals in told for late in refusals]
    revoked = {f"at each of {GUARDS} guards": each, "at the last of them": [max(refusals) for refusals in told]}
    return revoked, {f"at each of {GUARDS} guards": silent}


class Watch:
    """A guard in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def show(self, grant: str) -> None:
        """Give it a grant to look at; returns when it lets it in."""
        print(grant, file=self._process.stdin, flush=True)
        if self._hear() != "open":
            raise AssertionError("the guard does not let the grant in")

    def refused_at(self, reason: str) -> float:
        """The moment at which it did not let the grant in any more."""
        said, _, moment = self._hear().partition(" ")
        if said != reason:
            raise AssertionError(f"expected {reason}, got {said!r}")
        return float(moment)

    def _hear(self) -> str:
        return next(iter(self._process.stdout or ())).strip()


@contextmanager
def _guards(stack: Stack) -> Iterator[list[Watch]]:
    token_file = stack.home / "guards.token"
    token_file.touch(mode=0o600)
    token_file.write_text(stack.secrets.enforcement_point_token)
    with ExitStack() as running:
        yield [running.enter_context(_guard(stack.portal_url, token_file)) for _ in range(GUARDS)]


@contextmanager
def _guard(portal: str, token_file: Path) -> Iterator[Watch]:
    command = [sys.executable, "-m", "bench.guard_process", portal, str(token_file)]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        yield Watch(process)
        process.kill()


def _revoke(everybody: Sequence[httpx.Client], guards: Sequence[Watch]) -> list[float]:
    """Open an access, and end it: how late each guard refused it."""
    grant_id = _open(everybody, guards)
    everybody[1].post(f"/grants/{grant_id}/revoke", json={}).raise_for_status()
    answered = time.monotonic()
    return [max(0.0, guard.refused_at("grant_revoked") - answered) * 1000 for guard in guards]


def _silence(
    portal: subprocess.Popen[bytes], everybody: Sequence[httpx.Client], guards: Sequence[Watch]
) -> list[float]:
    """Open an access, and stop the portal: how late each guard refused it."""
    _open(everybody, guards)
    stopped = time.monotonic()
    os.kill(portal.pid, signal.SIGSTOP)
    try:
        return [(guard.refused_at("revocations_stale") - stopped) * 1000 for guard in guards]
    finally:
        os.kill(portal.pid, signal.SIGCONT)


def _open(everybody: Sequence[httpx.Client], guards: Sequence[Watch]) -> str:
    """Ask for access, let everybody agree, and show the grant to the guards; its id."""
    engineer, *approvers = everybody
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
