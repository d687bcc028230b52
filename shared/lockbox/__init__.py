"""Lockbox: a vendor's engineer touches a customer's content only after the customer's yes."""
