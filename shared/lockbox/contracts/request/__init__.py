"""The published language of request_service: requests, their terms and their states."""
