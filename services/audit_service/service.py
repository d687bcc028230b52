"""The entrypoints of audit_service."""

from audit_service import usecases
from audit_service.settings import Settings
from audit_service.store import RecordStore
from lockbox.contracts.audit import ListRecords, RecordPage
from lockbox.contracts.events import Event
from lockbox.contracts.identity import Caller
from lockbox.runtime.clock import Clock
from lockbox.runtime.health import Health
from lockbox.runtime.rpc import command
from lockbox.runtime.settings import settings
from lockbox.runtime.stores import Store
from lockbox.runtime.subscription import subscribe_all


class AuditService:
    """Keeps every event on record."""

    name = "audit_service"

    records = Store(RecordStore)
    settings = settings(Settings)
    clock = Clock()
    health = Health()

    @subscribe_all()
    def on_event(self, event: Event, body: bytes) -> None:
        """Put an event on record."""
        usecases.record_event(self.records, event, body, self.clock.now())

    @command(ListRecords)
    def list_records(self, caller: Caller, message: ListRecords) -> RecordPage:
        """Read the audit trail of one tenant, or of the vendor itself."""
        return usecases.list_records(self.records, caller, message)
