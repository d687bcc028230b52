"""The enforcement point, for the vendor's product: no content without a grant. It needs no broker and no database.

guard = Guard("https://lockbox.example", token_file=Path("/run/secrets/lockbox-token"))
guard.start()
decision = guard.enforce(grant_token, tenant="contoso", resource="mailbox/alice", action="read")
if not decision.allowed:
refuse(decision.reason)
"""

from lockbox.guard.decision import Decision
from lockbox.guard.guard import Guard

__all__ = ["Decision", "Guard"]
