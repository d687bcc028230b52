"""Preparation of a deployment: secrets, broker users, database users, accounts.

Secrets are generated and kept in files of mode 0600; none has a default. Each step can be repeated.
"""
