"""Rules of one approval: its stages and state, the gate before its operations, and the operations."""
