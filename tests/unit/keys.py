"""Keys of tests; a module of its own, as programs that tests start import it and no more."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lockbox.crypto.keys import PublicKeys, SigningKey, public_jwk


def signing_key(number: int = 1) -> SigningKey:
    private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    return SigningKey(kid=public_jwk(private.public_key())["kid"], private=private)


def public_keys(*keys: SigningKey) -> PublicKeys:
    return PublicKeys.from_jwks([key.jwk for key in keys])
