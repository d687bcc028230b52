"""Aggregates in MongoDB with their outbox, the ledger of published events, lists in pages."""
