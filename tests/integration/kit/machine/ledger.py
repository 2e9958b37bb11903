"""What reached the bus, told from its running numbers: no hole, no number for two events, nothing but what must be."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.kit.batcher import Message
from tests.integration.kit.machine.fold import Folding
from tests.integration.kit.machine.model import Model
from tests.integration.kit.toy import SOURCE, TARGET

Edge = tuple[int, str]
"""Input lane, and target as the position row names it: "topic/partition"."""


class Broken(AssertionError):
    """The kernel broke its word."""


@dataclass
class Numbers:
    """One edge since the last restore. Numbers up to ``floor`` were given before it."""

    floor: int = 0
    highest: int = 0
    ids: dict[int, str] = field(default_factory=dict)

    def see(self, number: int, event_id: str) -> None:
        """A record with this running number was published. Raises Broken."""
        known = self.ids.setdefault(number, event_id)
        if known != event_id:
            raise Broken(f"the running number {number} was given to two events")
        if number > self.highest + 1:
            raise Broken(f"the running number {number} came after {self.highest}")
        self.highest = max(self.highest, number)


def numbered(message: Message) -> tuple[Edge, int, str]:
    """Edge, running number and event id of a published record."""
    headers = dict(message.headers)
    lane, _, number = headers["edge"].decode().rpartition("#")
    consumer, topic, partition = lane.split("|")
    assert (consumer, topic) == (Folding.consumer, SOURCE)
    return (int(partition), f"{message.topic}/{message.partition}"), int(number), headers["ce_id"].decode()


class Ledger:
    """All edges; reads on where it stopped."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._read = 0
        self.edges: dict[Edge, Numbers] = defaultdict(Numbers)
        self.ids: dict[str, set[str]] = defaultdict(set)
        self._ever: dict[Edge, set[int]] = defaultdict(set)

    def read(self, published: list[Message]) -> None:
        """What is new on the bus. Raises Broken."""
        for message in published[self._read :]:
            edge, number, event_id = numbered(message)
            if message.topic == TARGET:
                self._must_be(edge[0], number, event_id)
            self.edges[edge].see(number, event_id)
            self.ids[message.topic].add(event_id)
            self._ever[edge].add(number)
        self._read = len(published)

    def _must_be(self, lane: int, number: int, event_id: str) -> None:
        told = self._model.told[lane]
        if number > len(told) or told[number - 1] != event_id:
            raise Broken(f"event {number} of lane {lane} tells a state that never was")

    def restored(self, emitted: Mapping[Edge, int]) -> None:
        """Positions went back: numbers beyond these are given anew."""
        self.edges.clear()
        self.edges.update({edge: Numbers(count, count) for edge, count in emitted.items()})

    def must_hold(self, edge: Edge, count: int, outbox: Iterable[int]) -> None:
        """All that was committed is on the bus or will be sent again. Raises Broken."""
        exact = edge[1].startswith(f"{TARGET}/")
        numbers = self.edges[edge]
        there = set(outbox) | (self._ever[edge] if exact else set(numbers.ids))
        if missing := set(range(1 if exact else numbers.floor + 1, count + 1)) - there:
            raise Broken(f"event {min(missing)} to {edge[1]} is neither published nor kept")
