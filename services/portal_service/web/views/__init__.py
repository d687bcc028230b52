"""Views: requests and policies as the pages show them, as pure functions."""
