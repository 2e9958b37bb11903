"""What passes between the kernel and a handler: lanes of events in, effects out."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import asyncpg

from contracts.codes import Refusal
from contracts.envelope import Event
from contracts.registry import Body
from services.kit.caches import Room

C = TypeVar("C")
Transaction = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy


@dataclass(slots=True)
class Lane(Generic[C]):
    """One partition's share of one poll, in offset order. The cache may only change after COMMIT.

    All lanes of one call belong to one topic: a handler of several topics is called once for each.
    """

    topic: str
    partition: int
    partitions: int
    events: list[Event]
    cache: C


@dataclass(slots=True)
class Outgoing:
    """An event to be sent. Origin, trace and recorded time come from its cause unless given."""

    topic: str
    body: Body
    id: str
    key: str = ""
    subject: str = ""
    cause: Event | None = None
    recorded_at: datetime | None = None
    sequence: int = 0
    everywhere: bool = False
    source: str = ""  # default: this service; ingest alone speaks for a source
    school_only: bool = False  # the source may speak only of children of the school that the record names


@dataclass(slots=True)
class Effects:
    """What a handler decided, by input partition. Events in no counter count as applied."""

    outgoing: dict[int, list[Outgoing]] = field(default_factory=dict)
    stale: Counter[int] = field(default_factory=Counter)
    waiting: Counter[int] = field(default_factory=Counter)
    erased: Counter[int] = field(default_factory=Counter)
    dead: list[tuple[int, Event, Refusal]] = field(default_factory=list)
    after_commit: list[Callable[[], None]] = field(default_factory=list)

    def emit(self, partition: int, outgoing: Outgoing) -> None:
        """Send ``outgoing`` as an effect of the lane ``partition``."""
        self.outgoing.setdefault(partition, []).append(outgoing)

    def refuse(self, partition: int, event: Event, code: Refusal) -> None:
        """The domain cannot apply this event: a dead letter."""
        self.dead.append((partition, event, code))


class Handler(Protocol[C]):
    """One subscriber's work: load, decide, save, emit inside the kernel's transaction."""

    @property
    def consumer(self) -> str:
        """Its name in the topic catalogue: "features.facts"."""
        ...

    @property
    def topics(self) -> tuple[str, ...]:
        """Topics it reads."""
        ...

    @property
    def wants(self) -> frozenset[str]:
        """Event types it looks at; the others of its topics are counted as applied unseen."""
        ...

    def new_cache(self, partition: int) -> C:
        """An empty cache for a lane just taken over, or whose cache was dropped."""
        ...

    async def handle(self, lanes: Sequence[Lane[C]], tx: Transaction) -> Effects:
        """Apply one poll. No effect outside ``tx`` and ``Effects.after_commit``."""
        ...


@runtime_checkable
class FromOutside(Protocol):
    """A handler whose input others write: bad records are theirs, so they are told and no run of them stops us."""

    def undecodable(self, topic: str, sender_id: str, code: Refusal, path: str) -> Outgoing:
        """What the sender is told of a record that could not be decoded; ``sender_id`` may be empty."""
        ...


@runtime_checkable
class Patient(Protocol):
    """A handler that lets polls grow: a poll costs the same whether it is small or not.

    The first on the way to an alert sets the pace of all after it, which then get a burst at a time: at 2,600 events
    a second that is a quarter of the processor, and less delay than many small polls. Readers beside the way may
    wait longer.
    """

    @property
    def patience_seconds(self) -> float:
        """Pause after a poll that was far from full."""
        ...


@runtime_checkable
class Roomed(Protocol):
    """A lane's cache of children, as many as it has room for.

    Where there are more, every poll reads most of its children anew and holds them all at once: polls are kept small.
    """

    @property
    def room(self) -> Room:
        """What it may hold."""
        ...


AnyHandler = Handler[Any]
