"""The published language of tenant policies, owned by approval_service."""
