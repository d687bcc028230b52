"""The `lockbox` command: the REST API for people and scripts."""
