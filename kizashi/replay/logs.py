"""What stands between the consumers of a replay instead of a bus: events in memory, by topic and partition.

Partitions are those of the catalogue, and keys decide as on the bus, so every consumer has the same lanes. Of
several workers each owns the partitions that leave its number as a remainder; what is for another one is kept
until it is fetched.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from contracts.envelope import Event, Meta
from contracts.registry import BY_NAME
from services.kit.lanes import Outgoing
from services.kit.outgoing import meta_of, targets_of


class Parcel(msgspec.Struct, array_like=True, gc=False):
    """Events of one type for another worker: topic, partition and place in the order of sending, envelope, body."""

    type: str
    places: list[tuple[str, int, int]]
    metas: list[Meta]
    bodies: msgspec.Raw


_encoder = msgspec.msgpack.Encoder()
_parcels = msgspec.msgpack.Decoder(list[Parcel])
Address = tuple[str, int]


@dataclass(slots=True)
class Logs:
    """The topics of one worker. ``broadcasts``: topics that every worker reads whole."""

    number: int = 0
    workers: int = 1
    readers: dict[str, list["Waiting"]] = field(default_factory=dict)
    broadcasts: set[str] = field(default_factory=set)
    _away: list[tuple[Address, Event]] = field(default_factory=list)

    def subscribe(self, topic: str, wants: frozenset[str]) -> "Waiting":
        """A consumer's place to read from."""
        waiting = Waiting(wants)
        self.readers.setdefault(topic, []).append(waiting)
        return waiting

    def owns(self, partition: int) -> bool:
        """Whether a partition is this worker's."""
        return partition % self.workers == self.number

    def emit(self, service: str, events: Iterable[Outgoing]) -> None:
        """Send what a service's handler decided; what nobody reads here is dropped."""
        workers, number, away = self.workers, self.number, self._away
        for each in events:
            topic = each.topic
            readers = self.readers.get(topic)
            if readers is None:
                continue
            event = Event(meta_of(service, each, ""), each.body)
            everybody = topic in self.broadcasts
            for partition in targets_of(each):
                mine = partition % workers == number
                if mine or everybody:
                    put(readers, partition, event)
                if not mine or (everybody and workers > 1):
                    away.append(((topic, partition), event))

    def put(self, topic: str, partition: int, event: Event) -> None:
        """A record from outside, to a partition of this worker."""
        put(self.readers[topic], partition, event)

    def parcels(self) -> bytes:
        """What is for the other worker, which is thereby gone from here; empty for nothing."""
        away, self._away = self._away, []
        if not away:
            return b""
        by_type: defaultdict[str, list[tuple[tuple[str, int, int], Event]]] = defaultdict(list)
        for place, (address, event) in enumerate(away):
            by_type[event.meta.type].append(((*address, place), event))
        return _encoder.encode(
            [
                Parcel(
                    name,
                    [place for place, _ in each],
                    [event.meta for _, event in each],
                    msgspec.Raw(_encoder.encode([event.body for _, event in each])),
                )
                for name, each in by_type.items()
            ]
        )

    def unpack(self, data: bytes) -> None:
        """Take what another worker sent, in its order."""
        if not data:
            return
        arrived: list[tuple[int, Address, Event]] = []
        for parcel in _parcels.decode(data):
            bodies = _decoder(parcel.type).decode(parcel.bodies)
            for (topic, partition, place), meta, body in zip(
                parcel.places, parcel.metas, bodies, strict=True
            ):
                arrived.append((place, (topic, partition), Event(meta, body)))
        arrived.sort(key=lambda each: each[0])
        for _, (topic, partition), event in arrived:
            put(self.readers[topic], partition, event)


@dataclass(slots=True)
class Waiting:
    """One consumer's unread events of one topic by partition, those only that it looks at."""

    wants: frozenset[str]
    events: defaultdict[int, list[Event]] = field(default_factory=lambda: defaultdict(list))

    def take(self) -> dict[int, list[Event]]:
        """Everything unread."""
        found, self.events = self.events, defaultdict(list)
        return found


def put(readers: Iterable[Waiting], partition: int, event: Event) -> None:
    """Give an event to all who look at its type."""
    name = event.meta.type
    for each in readers:
        if name in each.wants:
            each.events[partition].append(event)


_decoders: dict[str, msgspec.msgpack.Decoder[list[Any]]] = {}


def _decoder(name: str) -> msgspec.msgpack.Decoder[list[Any]]:
    found = _decoders.get(name)
    if found is None:
        body = BY_NAME[name].body
        found = _decoders[name] = msgspec.msgpack.Decoder(list[body])  # type: ignore[valid-type]
    return found
