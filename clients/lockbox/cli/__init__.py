"""The `lockbox` command: everything that the REST API offers, for people and scripts."""
