"""Rules of the record: pure, without I/O, clock or framework."""
