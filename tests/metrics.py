"""The metrics of a running service."""

import httpx

from lockbox.embedded.stack import Stack


def metric(stack: Stack, service: str, name: str) -> float:
    """The sum of a service's metrics whose name and labels begin so."""
    text = httpx.get(f"http://127.0.0.1:{stack.ports[service]}/metrics", timeout=5).text
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))
