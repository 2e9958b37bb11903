"""A registry change worked out before anything is written: what is new, who is linked, whose days may change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from contracts import records
from contracts.envelope import Event
from services.identity.ledger import Claim, Stamp, stamp_of
from services.identity.linkage import Link, Links
from services.identity.registry import Enrolment, Registration
from services.identity.store_ledger import Scope

ALWAYS = (date.min, date.max)
NO_DAYS = (date.max, date.min)
Source = tuple[int, Event]


@dataclass(slots=True)
class Batch:
    """Registry events of one poll, each with its lane."""

    registered: list[tuple[int, Event, records.PupilRegistered]] = field(default_factory=list)
    enrolled: list[tuple[int, Event, records.PupilEnrolled]] = field(default_factory=list)
    schools: list[tuple[int, Event, records.SchoolRegistered]] = field(default_factory=list)
    erasures: list[tuple[int, Event, records.PupilErasureRequested]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.registered or self.enrolled or self.schools or self.erasures)


@dataclass(slots=True)
class Plan:
    """What changes, worked out before anything is written."""

    registrations: dict[bytes, Registration] = field(default_factory=dict)
    before: dict[bytes, Registration] = field(default_factory=dict)  # stored versions of all concerned
    links: Links = field(default_factory=lambda: Links({}, []))
    enrolments: dict[str, Enrolment] = field(default_factory=dict)
    enrolments_before: dict[str, Enrolment] = field(default_factory=dict)
    sources: dict[bytes, Source] = field(default_factory=dict)  # the event that touched a pupil
    doomed: dict[bytes, Source] = field(default_factory=dict)  # to be erased with a child already erased
    ranges: dict[str, tuple[date, date]] = field(default_factory=dict)

    def widen(self, linkage_id: str, lo: date, hi: date) -> None:
        """The days of a child that may change."""
        known = self.ranges.get(linkage_id, NO_DAYS)
        self.ranges[linkage_id] = min(known[0], lo), max(known[1], hi)

    @property
    def relinked(self) -> dict[bytes, tuple[str, str]]:
        """Registered pupils whose linkage ID changes: old, new."""
        return {
            pupil: (self.before[pupil].linkage_id, to.linkage_id)
            for pupil, to in self.links.by_pupil.items()
            if pupil in self.before and self.before[pupil].linkage_id != to.linkage_id
        }

    @property
    def fresh(self) -> set[bytes]:
        """Pupils registered for the first time."""
        return self.registrations.keys() - self.before.keys()

    def linkage_of(self, pupil_key: bytes) -> str | None:
        """The new linkage ID of a pupil; ``None`` while unregistered."""
        if pupil_key in self.links.by_pupil:
            return self.links.by_pupil[pupil_key].linkage_id
        known = self.before.get(pupil_key)
        return known.linkage_id if known else None


def is_news(plan: Plan, key: bytes, to: Link) -> bool:
    """Whether a registration or its linkage ID must be written."""
    return key in plan.registrations or plan.before[key].linkage_id != to.linkage_id


def beyond(moved: Sequence[tuple[Claim, str | None]], plan: Plan) -> list[Scope]:
    """Days of moved claims that the planned ranges leave out, before and after them."""
    days: dict[str, list[date]] = {}
    for claim, before in moved:
        for linkage_id in {before, claim.linkage_id} - {None}:
            assert linkage_id is not None
            days.setdefault(linkage_id, []).append(claim.day)
    found = []
    for linkage_id, each in days.items():
        lo, hi = plan.ranges.get(linkage_id, NO_DAYS)
        if lo >= hi:
            lo = hi = min(each)
        found += _parts(linkage_id, each, lo, hi)
    return found


def _parts(linkage_id: str, days: Iterable[date], lo: date, hi: date) -> list[Scope]:
    before = [day for day in days if day < lo]
    after = [day for day in days if day >= hi]
    parts = [Scope(linkage_id, min(before), lo)] if before else []
    return [*parts, Scope(linkage_id, hi, max(after) + timedelta(days=1))] if after else parts


def causes(plan: Plan) -> dict[str, Source]:
    """For each child the registry event that touched it, old IDs of relinked pupils included."""
    found: dict[str, Source] = {}
    for pupil, source in plan.sources.items():
        linkage_id = plan.linkage_of(pupil)
        if linkage_id is not None:
            found[linkage_id] = source
        if pupil in plan.before:
            found.setdefault(plan.before[pupil].linkage_id, source)
    return found


def any_source(batch: Batch) -> Source:
    """Some event of the batch: the cause where none is nearer."""
    partition, event, _ = (batch.schools or batch.erasures or batch.enrolled or batch.registered)[0]
    return partition, event


def newest_schools(batch: Batch) -> list[tuple[str, str, Stamp]]:
    """School, kind and version, each school once."""
    newest: dict[str, tuple[str, str, Stamp]] = {}
    for _, event, body in batch.schools:
        row = (body.school, body.kind.value, stamp_of(event))
        if body.school not in newest or row[2] > newest[body.school][2]:
            newest[body.school] = row
    return sorted(newest.values())
