"""Example products, each in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from lockbox.embedded.ports import choose_ports
from tests.waiting import eventually

EXAMPLES = Path(__file__).parent.parent / "examples"
FLASK, STARLETTE = (EXAMPLES / name / "app.py" for name in ("content_service", "starlette_service"))


@contextmanager
def product_of(program: Path, folder: Path, portal: str, token_file: Path, origin: str | None = None) -> Iterator[str]:
    """The address of a product that is ready; proofs are made for that, or for another origin."""
    port = choose_ports(folder / "ports.json", prefer=False)["content"]
    address = f"http://127.0.0.1:{port}"
    environment = {
        "CONTENT_PORT": str(port),
        "CONTENT_ORIGIN": origin or address,
        "LOCKBOX_URL": portal,
        "LOCKBOX_TOKEN_FILE": str(token_file),
    }
    process = subprocess.Popen([sys.executable, program], env={**os.environ, **environment})
    try:
        eventually(lambda: is_ready(address, process))
        yield address
    finally:
        process.terminate()
        process.wait(timeout=30)


def is_ready(address: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the product ended"
    try:
        return httpx.get(address, timeout=5).is_success
    except httpx.TransportError:
        return False
