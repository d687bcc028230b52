from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from lockbox.runtime.broker.deliveries import ChannelDeliveries


class BrokersChannel:
    """A channel as the broker sees it: what is out, and a protest at a tag that is not."""

    def __init__(self) -> None:
        self.last = 0
        self.out: set[int] = set()
        self.acked: set[int] = set()
        self.requeued: set[int] = set()
        self.words = 0

    def deliver(self) -> int:
        self.last += 1
        self.out.add(self.last)
        return self.last

    def basic_ack(self, tag: int, multiple: bool = False) -> None:
        self.words += 1
        assert tag in self.out, "a channel is closed for an unknown delivery tag"
        settled = {each for each in self.out if each == tag or (multiple and each < tag)}
        self.out -= settled
        self.acked |= settled

    def basic_reject(self, tag: int, requeue: bool) -> None:
        assert requeue
        assert tag in self.out
        self.out.remove(tag)
        self.requeued.add(tag)


def delivered(count: int) -> tuple[BrokersChannel, ChannelDeliveries]:
    channel = BrokersChannel()
    deliveries = ChannelDeliveries(channel)
    for _ in range(count):
        deliveries.add(channel.deliver())
    return channel, deliveries


def test_ack_when_all_are_done_takes_one_word() -> None:
    channel, deliveries = delivered(500)
    deliveries.ack(range(1, 501))
    assert (channel.words, channel.out) == (1, set())


def test_ack_when_one_in_the_middle_is_open_leaves_that_one_alone() -> None:
    channel, deliveries = delivered(5)
    deliveries.ack([1, 2, 4, 5])
    assert channel.out == {3}
    deliveries.ack([3])
    assert channel.acked == {1, 2, 3, 4, 5}


def test_ack_when_later_ones_come_while_one_is_open_leaves_that_one_alone() -> None:
    channel, deliveries = delivered(3)
    deliveries.ack([2, 3])
    for _ in range(3):
        deliveries.add(channel.deliver())
    deliveries.ack([4, 5, 6])
    assert channel.out == {1}


def test_ack_when_the_message_is_acknowledged_already_sends_nothing() -> None:
    channel, deliveries = delivered(2)
    deliveries.requeue(2)
    deliveries.ack([1, 2])
    deliveries.ack([1])
    deliveries.requeue(1)
    assert (channel.acked, channel.requeued, channel.words) == ({1}, {2}, 1)


class AnyOrder(RuleBasedStateMachine):
    """Messages come, and are settled in any order and grouping."""

    in_hand = Bundle("in_hand")

    def __init__(self) -> None:
        super().__init__()
        self.channel, self.deliveries = delivered(0)
        self.done: set[int] = set()
        self.given_back: set[int] = set()

    @rule(target=in_hand, count=st.integers(1, 5))
    def come(self, count: int) -> object:
        tags = [self.channel.deliver() for _ in range(count)]
        for tag in tags:
            self.deliveries.add(tag)
        return multiple(*tags)

    @rule(tags=st.sets(consumes(in_hand), min_size=1, max_size=4))
    def ack(self, tags: set[int]) -> None:
        self.done |= tags
        self.deliveries.ack(tags)

    @rule(tag=consumes(in_hand))
    def requeue(self, tag: int) -> None:
        self.given_back.add(tag)
        self.deliveries.requeue(tag)

    @invariant()
    def the_broker_knows_what_is_done_and_nothing_else(self) -> None:
        assert self.channel.acked == self.done
        assert self.channel.requeued == self.given_back


TestAnyOrder = AnyOrder.TestCase
