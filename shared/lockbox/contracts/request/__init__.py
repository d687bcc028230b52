"""The published language of request_service: what was asked, and the state of each request."""
