"""The entrypoints of notify_service."""

from lockbox.contracts.events import Event, Fact
from lockbox.contracts.member import MemberAdded, MemberChanged, MemberRemoved
from lockbox.runtime.events.subscription import subscribe
from lockbox.runtime.host.clock import Clock
from lockbox.runtime.host.health import Health
from lockbox.runtime.host.settings import Provided
from lockbox.runtime.host.stores import Store
from lockbox.runtime.host.timer import every
from lockbox.runtime.ops import operator
from notify_service import usecases
from notify_service.domain.email import COMPOSERS
from notify_service.smtp import Mailer
from notify_service.store import DeliveryStore, MemberStore


class NotifyService(operator.Operated):
    """Sends emails about requests, grants and policies."""

    name = "notify_service"

    deliveries = Store(DeliveryStore)
    members = Store(MemberStore)
    mailer = Provided(Mailer)
    clock = Clock()
    health = Health()

    @subscribe(MemberAdded, MemberChanged, MemberRemoved)
    def on_member(self, event: Event, fact: MemberAdded | MemberChanged | MemberRemoved) -> None:
        """Record a member as a recipient."""
        usecases.learn_member(self.members, event, fact)

    @subscribe(*COMPOSERS)
    def on_news(self, event: Event, fact: Fact) -> None:
        """Create the emails about an event."""
        usecases.alert_people(self.deliveries, self.members, event, fact, self.clock.now())

    @every(interval=0.5)
    def send_due(self) -> None:
        """Send the emails that are due."""
        usecases.send_due(self.deliveries, self.mailer, self.clock)
