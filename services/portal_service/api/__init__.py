"""REST under /api/v1: decode, send one message, encode."""
