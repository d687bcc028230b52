"""The health check of a container: `python -m lockbox.provision.ready <url> [<token file>]` exits with 0 on 200."""

import sys
import urllib.error
import urllib.request
from pathlib import Path

PATIENCE_SECONDS = 5.0


def main() -> None:
    """Send one request; print any other answer, for the log of the health check."""
    url, *token_files = sys.argv[1:]
    request = urllib.request.Request(url)  # noqa: S310 - docker-compose.yml says which
    for token_file in token_files:
        request.add_header("Authorization", f"Bearer {Path(token_file).read_text().strip()}")
    try:
        urllib.request.urlopen(request, timeout=PATIENCE_SECONDS).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{error.code} {error.read(500).decode(errors='replace')}") from error
    except OSError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
