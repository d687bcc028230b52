"""Signers: private keys sealed in the database, or in a PKCS#11 device."""
