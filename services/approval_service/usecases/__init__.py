"""Use cases of approval_service, one module for each concept."""
