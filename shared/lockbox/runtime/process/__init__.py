"""Tools of one process: logs, metrics, green thread pool, waiting, crash points."""
