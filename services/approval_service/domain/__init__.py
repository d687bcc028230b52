"""The rules of approval: pure, without I/O, clock or framework."""
