"""Wording: codes, events and values in plain words."""
