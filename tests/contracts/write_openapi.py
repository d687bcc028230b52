"""Write the golden OpenAPI document anew: `python -m tests.contracts.write_openapi`, after a change that is meant."""

import json

from tests.contracts.openapi import GOLDEN, current

if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(current(), indent=1, sort_keys=True) + "\n")
