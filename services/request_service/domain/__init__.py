"""The rules of asking: pure, without I/O, clock or framework."""
