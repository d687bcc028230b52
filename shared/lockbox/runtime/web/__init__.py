"""HTTP: the listener, its connections, the reading of requests, and lanes of workers."""
