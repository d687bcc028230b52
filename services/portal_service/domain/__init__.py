"""Accounts, sessions and failed sign-ins: pure rules without I/O, clock or framework."""
