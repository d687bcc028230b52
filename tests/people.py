"""People of the tests: signed in over REST."""

import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lockbox.crypto.keys import SigningKey
from lockbox.crypto.possession import Target, prove
from tests.waiting import eventually

EXTRA_MEMBERS = {
    "other_engineer": ("eve.engineer@vendor.example", "vendor", ["engineer"]),
    "lead": ("lena.lead@vendor.example", "vendor", ["engineer", "vendor_approver"]),
    "northwind_admin": ("nora.admin@northwind.example", "northwind", ["customer_admin"]),
    "northwind_admin_2": ("noah.admin@northwind.example", "northwind", ["customer_admin"]),
    "northwind_approver": ("nick.approver@northwind.example", "northwind", ["customer_approver"]),
    "northwind_approver_2": ("nina.approver@northwind.example", "northwind", ["customer_approver"]),
    "northwind_auditor": ("ned.auditor@northwind.example", "northwind", ["customer_auditor"]),
    "tailspin_admin": ("tara.admin@tailspin.example", "tailspin", ["customer_admin"]),
    "tailspin_approver": ("tom.approver@tailspin.example", "tailspin", ["customer_approver"]),
    "woodgrove_admin": ("wanda.admin@woodgrove.example", "woodgrove", ["customer_admin"]),
    "woodgrove_approver": ("will.approver@woodgrove.example", "woodgrove", ["customer_approver"]),
    "woodgrove_auditor": ("wilma.auditor@woodgrove.example", "woodgrove", ["customer_auditor"]),
}

TERMS: dict[str, Any] = {
    "tenant": "contoso",
    "service_request": "SR-359423",
    "reason_code": "CUSTOMER_INITIATED_SUPPORT",
    "justification": "Alice cannot open her mailbox.",
    "resources": ["mailbox/alice"],
    "actions": ["read"],
    "duration": "PT1H",
    "starts_at": None,
}


NOTHING_SHOWN = "0" * 64


class Person:
    """Somebody with an account."""

    def __init__(self, portal: str, email: str, password: str) -> None:
        self.email = email
        self.http = httpx.Client(base_url=f"{portal}/api/v1", timeout=30)
        answer = self.http.post("/session", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        self.token: str = answer.json()["token"]
        self.key = SigningKey.of(Ed25519PrivateKey.generate())
        self.http.headers["Authorization"] = f"Bearer {self.token}"

    def get(self, path: str, **params: Any) -> Any:
        answer = self.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, key: str | None = None) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.http.post(path, json={} if body is None else body, headers=headers)

    def ask(self, **changes: Any) -> str:
        answer = self.post("/requests", TERMS | changes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def proof(self, method: str, url: str, token: str | None = None) -> str:
        """That this request is made by whoever holds the key."""
        return prove(self.key, Target(method, url), time.time(), str(uuid4()), token)

    def fetch_token(self, grant_id: str) -> httpx.Response:
        """Ask for the signed grant, bound to the own key."""
        address = self.http.base_url.join(f"grants/{grant_id}/token")
        return self.http.get(address, headers={"DPoP": self.proof("GET", str(address))})

    def grant_token(self, grant_id: str) -> str:
        """The signed grant, bound to the own key."""
        answer = self.fetch_token(grant_id)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["token"])

    def digest(self, request_id: str) -> str:
        """The digest of what is to be decided: the request, or the extension that is asked for."""
        shown = self.get(f"/requests/{request_id}")
        matters = [shown["request_digest"], *(one["request_digest"] for one in shown["extensions"])]
        return next(iter(filter(None, matters)), NOTHING_SHOWN)

    def send_decision(
        self, request_id: str, decision: str, key: str | None = None, digest: str | None = None, **more: Any
    ) -> httpx.Response:
        """Decide on what is shown now, or on what `digest` says."""
        body = {"decision": decision, "request_digest": digest or self.digest(request_id), **more}
        return self.post(f"/requests/{request_id}/decisions", body, key)

    def decide(self, request_id: str, decision: str = "approve", comment: str = "", **more: Any) -> Any:
        answer = self.send_decision(request_id, decision, comment=comment, **more)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def put_policy(self, tenant: str, **changes: Any) -> Any:
        policy = self.get(f"/tenants/{tenant}/policy")
        answer = self.http.put(f"/tenants/{tenant}/policy", json=policy | changes)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def trail(self, tenant: str, **where: Any) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            page = self.get(f"/tenants/{tenant}/audit", **where, limit=200, **cursor)
            records += page["items"]
            if page["next_cursor"] is None:
                return records
            cursor = {"cursor": page["next_cursor"]}


class People:
    """Everybody with an account, each signed in when first needed."""

    def __init__(self, accounts_file: Path) -> None:
        document = json.loads(accounts_file.read_text())
        self.portal: str = document["portal"]
        self.content: str = document["content"]
        self.accounts: dict[str, dict[str, str]] = document["accounts"]
        self._people: dict[str, Person] = {}

    def __getattr__(self, name: str) -> Person:
        if name.startswith("_") or name not in self.accounts:
            raise AttributeError(name)
        if name not in self._people:
            self._people[name] = Person(self.portal, **self.accounts[name])
        return self._people[name]

    def close(self) -> None:
        for person in self._people.values():
            person.http.close()

    def granted(self, **changes: Any) -> dict[str, Any]:
        """A request that everybody approved, with its grant."""
        request_id = self.engineer.ask(**changes)
        self.vendor_approver.decide(request_id)
        tenant = changes.get("tenant", "contoso")
        return getattr(self, f"{tenant}_approver").decide(request_id)

    def use(
        self, token: str | None, path: str, method: str = "GET", content: str | None = None, by: Person | None = None
    ) -> httpx.Response:
        """Show a grant, and a proof that it is one's own, to the product, or to the one at `content`."""
        url = f"{content or self.content}/documents/{path}"
        proof = (by or self.engineer).proof(method, url, token)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof} if token else {}
        return httpx.request(method, url, headers=headers, timeout=30)

    def recorded(self, request_id: str, *types: str, tenant: str = "contoso") -> list[dict[str, Any]]:
        """The records about a request, as soon as these types are among them."""
        auditor = getattr(self, f"{tenant}_auditor")

        def look() -> list[dict[str, Any]] | None:
            records = [r for r in auditor.trail(tenant) if r["data"].get("request_id") == request_id]
            return records if set(types) <= {record["type"] for record in records} else None

        return eventually(look)


def new_key() -> str:
    return str(uuid4())
