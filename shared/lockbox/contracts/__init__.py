"""The published language: events and RPC messages, one module for each owning service.

Every message is a frozen dataclass; its marshmallow schema is derived from its fields (see `wire`). A change is
additive; anything else is a new `dataversion`.
"""
