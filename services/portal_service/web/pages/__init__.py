"""Pages: one module for each, with its routes."""
