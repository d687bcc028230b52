"""The pages."""

from flask import Flask


def register(app: Flask, *, secure: bool) -> None:
    """Add the pages."""
