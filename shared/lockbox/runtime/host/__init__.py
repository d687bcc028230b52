"""The host of a service: container, settings, stores, timers, health, web server."""
