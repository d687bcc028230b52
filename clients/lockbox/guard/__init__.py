"""The enforcement point in the vendor's product: no content without a grant. It needs no broker and no database.

guard = Guard("https://lockbox.example", token_file=Path("/run/secrets/lockbox-token"))
guard.start()
decision = guard.enforce(grant, "contoso", "mailbox/alice", "read", Dpop(proof, "GET", url))
if not decision.allowed:
    refuse(decision.reason)
"""

from lockbox.guard.decision import Attempt, Certificate, Decision, Dpop, Shown
from lockbox.guard.guard import Guard, Options

__all__ = ["Attempt", "Certificate", "Decision", "Dpop", "Guard", "Options", "Shown"]
