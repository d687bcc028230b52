"""Rules of requests: pure, without I/O, clock or framework."""
