"""Promises of the stores, tested on the fakes (`tests/unit/test_stores.py`) and on MongoDB (`tests/integration`).

A suite is a class; a subclass gives it the fixture `store`. What only a database can promise, such as a command that
comes many times at once, stands in `tests/integration/test_aggregates.py`.
"""
