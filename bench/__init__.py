"""Measurements: each a ratio against something that runs beside it, in the same run. `make bench` prints the tables."""
