"""Limits of the access record, which guard and approval_service keep alike."""

MOST_RECORDS_AT_ONCE = 200
"""Access records in one call."""

LONGEST_RESOURCE, LONGEST_ACTION = 512, 64
"""Characters of a resource and an action in an access record."""
