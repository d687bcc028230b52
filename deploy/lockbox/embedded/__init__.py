"""Lockbox on one machine without containers: its own RabbitMQ, MongoDB and mailbox, under a supervisor.

Everything lives in one home directory; nothing outside it is changed, and nothing that was not started here is stopped.
"""
