"""A small product on Starlette with content of two tenants, guarded by Lockbox."""
