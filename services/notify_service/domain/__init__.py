"""Rules of alerts: pure, without I/O, clock or framework."""
