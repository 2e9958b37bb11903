"""What a lane remembers of children between polls; right only for one generation of the registry.

Only answers are kept, never "unknown": a new registration therefore makes nothing wrong, and
whatever does (links, enrolments, floors, erasure) raises the generation.
"""

from typing import NamedTuple

from services.identity.registry import Enrolment
from services.identity.rollcall import Seat
from services.identity.views import Floor
from services.kit.caches import Room, remember
from services.kit.lanes import Lane

#: Children for each class whose roster is kept.
_PER_ROSTER = 10


class Known(NamedTuple):
    """A source's pupil."""

    pupil_key: bytes
    linkage_id: str


class ChildFacts(NamedTuple):
    """What publishing a child's day needs."""

    enrolments: tuple[Enrolment, ...]
    floors: dict[tuple[int, str], Floor]


class Cache:
    """A lane's memory. Changed only after COMMIT, by :meth:`absorb`."""

    __slots__ = ("children", "generation", "links", "room", "rosters")

    def __init__(self, generation: int = 0, limit: int = 0) -> None:
        self.generation = generation
        self.room = Room(limit)
        self.links: dict[tuple[str, str], Known] = {}
        self.children: dict[str, ChildFacts] = {}
        self.rosters: dict[str, list[Seat]] = {}

    def absorb(self, other: "Cache", met: int = 0) -> None:
        """Take over what a transaction learned; what belongs to another generation is forgotten.

        ``met``: how often a child was known already.
        Beyond its room those children go that were learned first.
        """
        if other.generation != self.generation:
            self.generation = other.generation
            self.links, self.children, self.rosters = {}, {}, {}
        self.room.remember(self.links, other.links, met)
        remember(self.children, other.children, self.room.limit)
        remember(self.rosters, other.rosters, self.room.limit // _PER_ROSTER)


class Desk:
    """One lane in one transaction: its cache where it is still right, and what was learned since."""

    def __init__(self, lane: Lane[Cache], generation: int) -> None:
        self.lane = lane
        self.partition = lane.partition
        self.learned = Cache(generation)
        self._known = lane.cache if lane.cache.generation == generation else self.learned
        self._met = 0

    def link(self, source: str, source_id: str) -> Known | None:
        """A source's pupil, if known."""
        name = (source, source_id)
        found = self._known.links.get(name)
        if found is None:
            return self.learned.links.get(name)
        self._met += 1
        return found

    def child(self, linkage_id: str) -> ChildFacts | None:
        """A child's enrolments and floors, if known."""
        return self._known.children.get(linkage_id) or self.learned.children.get(linkage_id)

    def roster(self, class_id: str) -> list[Seat] | None:
        """Who is in a class, if known."""
        known = self._known.rosters.get(class_id)
        return self.learned.rosters.get(class_id) if known is None else known

    def remember(self) -> None:
        """After COMMIT: the lane's cache takes over what was learned."""
        self.lane.cache.absorb(self.learned, self._met)
