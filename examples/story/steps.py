"""The steps of the story, each a method; its docstring is the sentence that it shows."""

from collections import Counter
from typing import Any

from examples.story.cast import Cast, eventually, expect
from examples.story.evidence import Mail, Records, find_message, plain_text
from lockbox import clock
from lockbox.crypto.jws import decoded, encoded
from lockbox.values.timestamps import format_timestamp

ALICE, BOB = "contoso/mailbox/alice", "contoso/mailbox/bob"
ASYNCHRONOUS = {"alert_sent", "signed_in"}
NO_ACCESS = "no_grant"


class Story:
    """Plays the steps in their order; `told` collects the events that each of them must leave behind."""

    def __init__(self, cast: Cast, mail: Mail, records: Records) -> None:
        self.cast = cast
        self.mail = mail
        self.records = records
        self.since = format_timestamp(clock.now())
        self.told: dict[str, list[str]] = {"contoso": [], "fabrikam": []}
        self.request_id = ""
        self.grant_token = ""

    def step_1_no_standing_access(self) -> str:
        """Without a grant the engineer reads nothing."""
        expect(self.cast.use(None, ALICE) == NO_ACCESS, "content was served without a grant")
        self._tell("contoso", "access_denied")
        return "the engineer reads contoso's mailbox/alice: refused, there is no grant"

    def step_2_ask(self) -> str:
        """The engineer asks."""
        made = self.cast.engineer.command(
            "request",
            *("--tenant", "contoso", "--service-request", "SR-359423"),
            *("--reason", "CUSTOMER_INITIATED_SUPPORT", "--justification", "Alice cannot open her mailbox."),
            *("--resource", "mailbox/alice", "--action", "read", "--duration", "PT4H"),
        )
        self.request_id = made["id"]
        expect(made["state"] == "PENDING_VENDOR", f"the request is {made['state']}")
        self._tell("contoso", *ASKED)
        return f"the engineer asks for SR-359423: request {self.request_id} waits for the vendor"

    def step_3_vendor_approves_and_customer_is_told(self) -> str:
        """The vendor approver says yes; the customer's approvers get an email that decides nothing by itself."""
        decided = self.cast.vendor_approver.command("approve", self.request_id)
        expect(decided["state"] == "PENDING_CUSTOMER", f"the request is {decided['state']}")
        self._tell("contoso", "decision_recorded", "stage_opened")
        approver = self.cast.contoso_approver.email
        message = eventually(
            lambda: find_message(self.mail, approver, self.request_id), "an email to the contoso approver"
        )
        expect(message["Importance"] == "high", "the email is not of high importance")
        expect("SR-359423" in message["Subject"], "the subject lacks the service request")
        text = plain_text(message)
        for part in (
            *("Service request: SR-359423", f"Request ID: {self.request_id}"),
            *(f"Requestor: {self.cast.engineer.email}", "CUSTOMER_INITIATED_SUPPORT", "Create time: "),
            *("Duration: 4 hours", "Expires: ", " UTC", f"{self.cast.portal}/requests/{self.request_id}"),
        ):
            expect(part in text, f"the email lacks {part!r}")
        return f"the vendor approver approves; {approver} gets an email of high importance with a link to the portal"

    def step_4_customer_approves(self) -> str:
        """The customer's approval opens exactly the named content."""
        decided = self._customer_approves(self.request_id)
        expect(decided["state"] == "APPROVED", f"the request is {decided['state']}")
        read = self.cast.engineer.run("fetch", decided["grant"]["id"], self.cast.address(ALICE))
        expect(read.startswith("From: "), "the product served something that is not the document")
        self.grant_token = self._token(decided)
        self._tell("contoso", *APPROVED, "grant_bound", "access_allowed")
        return "the contoso approver approves; the engineer reads the mailbox with a grant bound to a key: allowed"

    def step_5_nothing_else(self) -> str:
        """Another resource, action or tenant, an altered grant and one without its key are refused."""
        thief = self.cast.vendor_approver
        thief.run("key", "show")
        refusals = (
            self.cast.use(self.grant_token, BOB),
            self.cast.use(self.grant_token, ALICE, method="PUT"),
            self.cast.use(self.grant_token, "fabrikam/mailbox/fiona"),
            self.cast.use(_altered(self.grant_token), BOB),
            self.cast.use(self.grant_token, ALICE, by=thief),
        )
        expected = ("other_resource", "other_action", "other_tenant", "token_forged", "proof_of_another_key")
        expect(refusals == expected, f"refused as {refusals}, expected {expected}")
        self._tell("contoso", *["access_denied"] * 4)
        self._tell("fabrikam", "access_denied")
        return "another resource, action or tenant, an altered grant, a stolen one without its key: all refused"

    def step_6_access_ends(self) -> str:
        """A grant ends by itself; a revoked grant ends at once."""
        short = self._approved(duration="PT4S")
        token = self._token(short)
        expect(self.cast.use(token, ALICE) == "granted", "the short grant was refused while it ran")
        grant_id = short["grant"]["id"]
        eventually(lambda: self._grant_is(grant_id, "EXPIRED"), "the short grant expires")
        expect(self.cast.use(token, ALICE) == "token_expired", "an expired grant was not refused")
        self._tell("contoso", "grant_bound", "access_allowed", "grant_expired", "access_denied")
        self.cast.contoso_approver.command("revoke", self._grant_of(self.request_id), "--comment", "No longer needed.")
        self._tell("contoso", "grant_revoked")
        refused = eventually(self._refused_as_revoked, "a revoked grant is refused", within=5)
        self._tell("contoso", *refused)
        return "a grant of 4 seconds: allowed, then refused by itself; a revoked grant: refused"

    def step_7_no_and_silence(self) -> str:
        """A no gives no access, and neither does silence."""
        denied = self._ask()
        self._tell("contoso", *ASKED, "decision_recorded", "stage_opened")
        self.cast.vendor_approver.command("approve", denied)
        outcome = self.cast.contoso_approver.command("deny", denied, "--comment", "Not while the audit runs.")
        expect(outcome["state"] == "DENIED" and outcome["grant"] is None, "a denied request gave a grant")
        self._tell("contoso", "decision_recorded", "request_denied")
        admin = self.cast.contoso_admin
        lifetime = admin.command("policy", "get", "contoso")["request_lifetime"]
        admin.command("policy", "put", "contoso", "request_lifetime=PT2S")
        self._tell("contoso", "policy_changed")
        try:
            silent = self._asked_under("PT2S")
            self._tell("contoso", *ASKED, "request_expired")
            eventually(lambda: self._request_is(silent, "EXPIRED"), "the undecided request expires")
        finally:
            admin.command("policy", "put", "contoso", f"request_lifetime={lifetime}")
        self._tell("contoso", "policy_changed")
        ended = [self.cast.engineer.get(f"/requests/{request_id}") for request_id in (denied, silent)]
        expect(not any(request["grant"] for request in ended), "a request without a yes has a grant")
        expect(self.cast.use(None, ALICE) == NO_ACCESS, "content was served without a grant")
        self._tell("contoso", "access_denied")
        return "a third request is denied, a fourth expires undecided: no access"

    def step_8_approval_not_required(self) -> str:
        """A customer that switches its approval off is told of each access."""
        admin = self.cast.fabrikam_admin
        admin.command("policy", "put", "fabrikam", "require_approval=false")
        self._tell("fabrikam", "policy_changed")
        try:
            request_id = self._ask(tenant="fabrikam", resource="mailbox/fiona")
            opened = self.cast.vendor_approver.command("approve", request_id)
            expect(opened["state"] == "APPROVED", f"the request is {opened['state']}")
            token = self._token(opened)
            expect(self.cast.use(token, "fabrikam/mailbox/fiona") == "granted", "the granted content was refused")
            self._tell("fabrikam", *ASKED, *APPROVED, "grant_bound", "access_allowed")
            told = (admin.email, self.cast.fabrikam_approver.email)
            for recipient in told:
                eventually(lambda to=recipient: find_message(self.mail, to, request_id), f"an email to {recipient}")
            self.cast.fabrikam_approver.command("revoke", opened["grant"]["id"])
            self._tell("fabrikam", "grant_revoked")
        finally:
            admin.command("policy", "put", "fabrikam", "require_approval=true")
        self._tell("fabrikam", "policy_changed")
        return "fabrikam switches approval off: the vendor's stage alone opens access, and fabrikam is told by email"

    def step_9_the_record(self) -> str:
        """Every event stands in the audit trail once, in order, and MongoDB holds the same."""
        trail = eventually(self._complete_trail, "the contoso audit trail holds every event", within=20)
        ids = Counter(f"{record['source']}/{record['id']}" for record in trail)
        expect(max(ids.values()) == 1, "an event is in the audit trail twice")
        documents = self.records.of("contoso", self.since)
        expect([document["_id"] for document in documents[: len(trail)]] == list(ids), "MongoDB holds something else")
        for record, document in zip(trail, documents, strict=False):
            expect(record["digest"] == document["digest"], f"MongoDB holds another digest of {record['id']}")
        told = [record for record in trail if record["type"] not in ASYNCHRONOUS]
        return (
            f"the contoso auditor reads {len(told)} events of this story, each once, in order; MongoDB holds the same"
        )

    def _complete_trail(self) -> list[dict[str, Any]] | None:
        trail = self.cast.contoso_auditor.trail("contoso", self.since)
        types = [record["type"] for record in trail if record["type"] not in ASYNCHRONOUS]
        expected = self.told["contoso"]
        if len(types) < len(expected):
            return None
        expect(types == expected, f"the audit trail reads {types}, expected {expected}")
        return trail

    def _tell(self, tenant: str, *types: str) -> None:
        self.told[tenant] += types

    def _ask(self, duration: str = "PT1H", tenant: str = "contoso", resource: str = "mailbox/alice") -> str:
        body = {
            "tenant": tenant,
            "service_request": "SR-359424",
            "reason_code": "VENDOR_RESPONSE_TO_PRODUCTION_ALERT",
            "justification": "The mailbox server reports a damaged index.",
            "resources": [resource],
            "actions": ["read"],
            "duration": duration,
        }
        return str(self.cast.engineer.post("/requests", body, 201)["id"])

    def _asked_under(self, lifetime: str) -> str:
        """A request that was asked when the new lifetime had arrived where requests come in."""
        eventually(lambda: self._tenant_shows(lifetime), "the new lifetime is known")
        return self._ask()

    def _tenant_shows(self, lifetime: str) -> bool:
        tenants = self.cast.engineer.get("/tenants")["items"]
        return any((known["tenant"], known["request_lifetime"]) == ("contoso", lifetime) for known in tenants)

    def _approved(self, duration: str) -> dict[str, Any]:
        request_id = self._ask(duration)
        self.cast.vendor_approver.command("approve", request_id)
        decided = self._customer_approves(request_id)
        self._tell("contoso", *ASKED, "decision_recorded", "stage_opened", *APPROVED)
        return decided

    def _customer_approves(self, request_id: str) -> dict[str, Any]:
        approver = self.cast.contoso_approver
        shown = approver.get(f"/requests/{request_id}")["request_digest"]
        body = {"decision": "approve", "request_digest": shown}
        decided: dict[str, Any] = approver.post(f"/requests/{request_id}/decisions", body, 201)
        return decided

    def _token(self, decided: dict[str, Any]) -> str:
        return self.cast.engineer.signed(decided["grant"]["id"])

    def _grant_of(self, request_id: str) -> str:
        return str(self.cast.engineer.get(f"/requests/{request_id}")["grant"]["id"])

    def _grant_is(self, grant_id: str, state: str) -> bool:
        return bool(self.cast.engineer.get(f"/grants/{grant_id}")["state"] == state)

    def _request_is(self, request_id: str, state: str) -> bool:
        return bool(self.cast.engineer.get(f"/requests/{request_id}")["state"] == state)

    def _refused_as_revoked(self) -> list[str] | None:
        """The events of trying until the enforcement point has heard of the revocation."""
        outcome = self.cast.use(self.grant_token, ALICE)
        self._tried = [*getattr(self, "_tried", []), "access_allowed" if outcome == "granted" else "access_denied"]
        expect(outcome in ("granted", "grant_revoked"), f"refused as {outcome}")
        return self._tried if outcome == "grant_revoked" else None


ASKED = ("request_created", "request_evaluated", "stage_opened")
APPROVED = ("decision_recorded", "request_approved", "access_granted", "grant_activated")


def _altered(token: str) -> str:
    """The grant, as if it were for bob's mailbox."""
    header, claims, signature = token.split(".")
    other = encoded(decoded(claims).replace(b"mailbox/alice", b"mailbox/bob"))
    return ".".join((header, other.decode(), signature))
