"""approval_service owns the outcome: stages, decisions, expiry, cancellation, grants and tenant policy.

A request's outcome has this single writer, so that a race between any two acts has one winner.
"""
