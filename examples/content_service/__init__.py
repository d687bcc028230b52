"""A small product with content, guarded by Lockbox."""
