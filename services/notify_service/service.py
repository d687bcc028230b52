"""The entrypoints of notify_service."""

from lockbox.contracts.events import Event, Fact
from lockbox.contracts.member import MemberAdded, MemberChanged, MemberRemoved
from lockbox.runtime.events.subscription import subscribe
from lockbox.runtime.host.clock import ServiceClock
from lockbox.runtime.host.health import HealthServer
from lockbox.runtime.host.settings import Provided, settings
from lockbox.runtime.host.stores import Store
from lockbox.runtime.host.timer import every
from lockbox.runtime.ops import operator
from notify_service import usecases
from notify_service.domain.email import COMPOSERS
from notify_service.settings import NotifySettings
from notify_service.smtp import SmtpMailer
from notify_service.store import DeliveryStore, EmailCountStore, RecipientStore


class NotifyService(operator.OperatedService):
    """Sends emails about requests, grants and policies."""

    name = "notify_service"

    deliveries = Store(DeliveryStore)
    recipients = Store(RecipientStore)
    counts = Store(EmailCountStore)
    settings = settings(NotifySettings)
    mailer = Provided(SmtpMailer)
    clock = ServiceClock()
    health = HealthServer()

    @subscribe(MemberAdded, MemberChanged, MemberRemoved)
    def on_member(self, event: Event, fact: MemberAdded | MemberChanged | MemberRemoved) -> None:
        """Record a member as a recipient."""
        usecases.learn_member(self.recipients, event, fact)

    @subscribe(*COMPOSERS)
    def on_news(self, event: Event, fact: Fact) -> None:
        """Create the emails about an event."""
        stores = usecases.AlertStores(self.deliveries, self.recipients, self.counts, self.settings.pace())
        usecases.alert_people(stores, event, fact, self.clock.now())

    @every(interval=0.5)
    def send_due(self) -> None:
        """Send the emails that are due, and make digests of those that wait."""
        usecases.send_due(self.deliveries, self.mailer, self.clock)
