"""Canonical JSON, signing keys and signed tokens."""
