"""The entrypoints of notify_service."""

from lockbox.contracts.events import Event, Fact
from lockbox.contracts.portal import MemberAdded, MemberChanged, MemberRemoved
from lockbox.runtime import operations
from lockbox.runtime.clock import Clock
from lockbox.runtime.health import Health
from lockbox.runtime.settings import Provided
from lockbox.runtime.stores import Store
from lockbox.runtime.subscription import subscribe
from lockbox.runtime.timing import every
from notify_service import usecases
from notify_service.domain.composing import COMPOSERS
from notify_service.mail import Mailer
from notify_service.store import DeliveryStore, MemberStore


class NotifyService(operations.Operated):
    """Tells people what concerns them."""

    name = "notify_service"

    deliveries = Store(DeliveryStore)
    members = Store(MemberStore)
    mailer = Provided(Mailer)
    clock = Clock()
    health = Health()

    @subscribe(MemberAdded, MemberChanged, MemberRemoved)
    def on_member(self, event: Event, fact: MemberAdded | MemberChanged | MemberRemoved) -> None:
        """Note who can be told."""
        usecases.learn_member(self.members, event, fact)

    @subscribe(*COMPOSERS)
    def on_news(self, event: Event, fact: Fact) -> None:
        """Tell whom it concerns."""
        usecases.alert_people(self.deliveries, self.members, event, fact, self.clock.now())

    @every(interval=0.5)
    def send_due(self) -> None:
        """Send what waits."""
        usecases.send_due(self.deliveries, self.mailer, self.clock)
