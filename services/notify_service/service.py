"""The entrypoints of notify_service."""

from lockbox.contracts.events import Event, Fact
from lockbox.contracts.member import MemberAdded, MemberChanged, MemberRemoved
from lockbox.runtime.events.subscription import subscribe
from lockbox.runtime.host.background import Background
from lockbox.runtime.host.clock import ServiceClock
from lockbox.runtime.host.health import HealthServer
from lockbox.runtime.host.settings import Provided, settings
from lockbox.runtime.host.stores import Store
from lockbox.runtime.host.timer import every
from lockbox.runtime.ops import operator
from notify_service import measures, sending, usecases
from notify_service.domain.email import COMPOSERS
from notify_service.domain.places import Places
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
    places = Provided(lambda config: Places())
    background = Background()
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
        """Make the digests of the deliveries that are held, and send the emails that are due."""
        usecases.make_digests(self.deliveries, self.clock.now())
        sending.send_due(sending.Desk(self.deliveries, self.mailer, self.places, self.clock, self.background.run))

    @every(interval=5)
    def watch_emails(self) -> None:
        """Measure the emails that wait, and report a mail server that is away."""
        self.deliveries.mend_times(self.clock.now())
        measures.measure(self.deliveries, self.places, self.clock.now())
        self.health.report("mail_server", missing=self.places.stuck(self.clock.monotonic()))
