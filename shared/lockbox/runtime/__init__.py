"""The runtime of every service: outbox, relay, subscription, RPC, identity, MongoDB, health, logs.

Nameko, kombu and pymongo are known here and in each `service.py` and `store.py`, nowhere else.
"""
