"""A steady load for a while, and whether anything grows meanwhile."""
