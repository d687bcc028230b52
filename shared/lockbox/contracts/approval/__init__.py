"""The published language of approval_service: how a request, or an extension, comes to its outcome."""
