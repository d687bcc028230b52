"""Events on their way: relay, subscription, batches, reconciliation."""
