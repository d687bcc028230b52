"""portal_service owns the edge: web pages, REST, sign-in, accounts, sessions and API tokens.

It mints the caller's identity for RPC, and knows no business rule.
"""
