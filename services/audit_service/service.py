"""The entrypoints of audit_service."""

from collections.abc import Mapping, Sequence

from audit_service import usecases
from audit_service.settings import AuditSettings
from audit_service.store import RecordStore
from audit_service.usage_store import UsageStore
from lockbox.contracts.audit import ListRecords, OnRecord, RecordPage
from lockbox.contracts.identity import Caller
from lockbox.contracts.usage import GetGrantUsage, GetUsage, GrantUsage, UsageReport
from lockbox.contracts.wire import Encoded
from lockbox.errors import Invalid
from lockbox.runtime.events.batches import ReceivedEvent, subscribe_in_batches
from lockbox.runtime.events.questions import answer_questions
from lockbox.runtime.host.clock import ServiceClock
from lockbox.runtime.host.health import HealthServer
from lockbox.runtime.host.settings import settings
from lockbox.runtime.host.stores import Store
from lockbox.runtime.ops import operator
from lockbox.runtime.rpc.server import command


class AuditService(operator.OperatedService):
    """Keeps every event on record."""

    name = "audit_service"

    records = Store(RecordStore)
    usages = Store(UsageStore)
    settings = settings(AuditSettings)
    clock = ServiceClock()
    health = HealthServer()

    @subscribe_in_batches()
    def on_event(self, received: Sequence[ReceivedEvent]) -> Sequence[Invalid | None]:
        """Put events on record."""
        return usecases.record_events(self.records, received, self.clock.now())

    @answer_questions()
    def on_question(self, source: str, asked: Mapping[str, str]) -> OnRecord:
        """Compare events of one source with the record."""
        return usecases.on_record(self.records, source, asked)

    @command(ListRecords)
    def list_records(self, caller: Caller, message: ListRecords) -> Encoded[RecordPage]:
        """Read the audit trail of one tenant, or of the vendor itself."""
        return usecases.list_records(self.records, caller, message)

    @command(GetUsage)
    def get_usage(self, caller: Caller, message: GetUsage) -> UsageReport:
        """Report on the grants of a tenant and their use."""
        return usecases.get_usage(self.usages, caller, message, self.clock.now())

    @command(GetGrantUsage)
    def get_grant_usage(self, caller: Caller, message: GetGrantUsage) -> GrantUsage:
        """Report on one grant and its use."""
        return usecases.get_grant_usage(self.usages, caller, message)
