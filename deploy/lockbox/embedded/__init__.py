"""Lockbox on one machine without containers: its own RabbitMQ, MongoDB and mailbox, under a supervisor.

All files are in one home directory. Processes that were not started from it are left alone.
"""
