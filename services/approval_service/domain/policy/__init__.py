"""Rules of a tenant policy: validation, evaluation, hours, differences."""
