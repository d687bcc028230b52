"""The rules of signing in: pure, without I/O, clock or framework."""
