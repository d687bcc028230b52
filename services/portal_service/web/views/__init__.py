"""Views: what a page shows of a request or a policy, as pure functions."""
