"""What a deployment needs before the first start: secrets, broker users, database users, accounts.

Everything here is generated, kept in files of mode 0600, and done again harmlessly. No secret has a default.
"""
