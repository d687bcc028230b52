"""The load, and what must then stand in the audit trail as the auditor sees it."""

from collections import Counter, defaultdict
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from tests import load
from tests.people import People
from tests.waiting import eventually


class Load(load.Load):
    """Stories whose end is checked over REST, where the databases can't be looked into."""

    def __init__(self, people: People) -> None:
        super().__init__(people)
        self._auditor = people.contoso_auditor
        self._since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def check(self) -> None:
        """Every acknowledged command is in the audit trail once, nothing is there twice, and nothing else is there."""
        assert not self.ledger.wrong, self.ledger.wrong
        with suppress(AssertionError):
            eventually(lambda: not self._differences(), within=60)
        differences = self._differences()
        assert not differences, differences
        once = Counter((record["subject"], record["sequence"], record["type"]) for record in self._records())
        assert max(once.values()) == 1, [name for name, count in once.items() if count > 1]

    def _differences(self) -> dict[str, Any]:
        """What is on record and what should be, for each request where these are not the same."""
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for record in self._records():
            found[record["data"]["request_id"]][record["type"]] += 1
        expected = {str(story.request_id): story.expected for story in self.ledger.stories}
        both = found.keys() | expected.keys()
        return {key: (found[key], expected.get(key)) for key in both if found[key] != expected.get(key)}

    def _records(self) -> list[dict[str, Any]]:
        """What was recorded of requests in this time, but for how people were told."""
        trail = self._auditor.trail("contoso", **{"from": self._since})
        return [record for record in trail if "request_id" in record["data"] and record["source"] != "notify_service"]
