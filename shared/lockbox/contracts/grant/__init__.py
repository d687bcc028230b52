"""The published language of grants, owned by approval_service: access, its end, its extension."""
