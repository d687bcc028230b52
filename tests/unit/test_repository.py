"""No file of the repository has a secret in one of the forms that Lockbox makes."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECRETS = {
    "private key": rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{40}",
    "API token": rb"lbk_[A-Za-z0-9_-]{43}",
    "password in a URI": rb"(?:amqps?|mongodb(?:\+srv)?)://\w+:[A-Za-z0-9_-]{32}@",
    "key-encryption key or database key": rb"\b(?:[0-9a-f]{256}|KEY_ENCRYPTION_KEY=[0-9a-f]{64})\b",
}
EXAMPLES = {
    "private key": "-----BEGIN PRIVATE " + "KEY-----\n" + "MC4C" * 16,
    "API token": "lbk_" + "a-_9" * 10 + "abc",
    "password in a URI": "amqps://audit_service:" + "Ab3_" * 8 + "@broker",
    "key-encryption key or database key": "0f" * 128,
}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = [ROOT / name for name in listed.split("\0") if name]
    found = {str(path.relative_to(ROOT)): path.read_bytes() for path in paths if path.is_file()}
    assert len(found) > 100
    return found


@pytest.mark.parametrize("kind", SECRETS)
def test_repository_when_searched_has_no_secret(files: dict[str, bytes], kind: str) -> None:
    assert re.search(SECRETS[kind], EXAMPLES[kind].encode()), "the search is blind"
    assert [name for name, content in files.items() if re.search(SECRETS[kind], content)] == []
