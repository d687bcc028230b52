"""docker-compose.yml, run for real: `tests/compose/run`."""
