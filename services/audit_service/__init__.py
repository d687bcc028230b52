"""audit_service owns the record of every event: each once, as it was published, never changed. It decides nothing."""
