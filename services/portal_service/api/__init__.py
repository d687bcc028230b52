"""The REST API under /api/v1, derived from the declarations of the operations."""
