"""The rules of telling people: pure, without I/O, clock or framework."""
