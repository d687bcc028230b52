"""Reference pages that are generated from the contracts: `python -m scripts.reference [--check]`."""
