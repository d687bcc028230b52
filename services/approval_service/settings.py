"""Settings of approval_service."""

from dataclasses import dataclass

from lockbox.errors import Invalid


@dataclass(frozen=True)
class SignerSettings:
    """The signer of grants: `signer` is `module:function`; the other settings are for the signer alone.

    `key_encryption_key`: the file with the key that signing keys are sealed with, readable by this service alone.
    `pkcs11_*`: the library of a device, the label of a token in it, and the file with the token's PIN.
    """

    signer: str = "approval_service.signer.sealed:sealed"
    key_encryption_key: str | None = None
    pkcs11_module: str | None = None
    pkcs11_token: str | None = None
    pkcs11_pin_file: str | None = None

    def required(self, name: str) -> str:
        """Return a setting that the signer needs; raises `Invalid` if it is missing."""
        value = getattr(self, name)
        if not value:
            raise Invalid(name, f"lockbox.{name} is missing: the signer {self.signer} needs it")
        return str(value)
