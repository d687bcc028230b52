"""Lockbox in use: a product with content, and the story that the demo plays."""
