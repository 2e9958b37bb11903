"""`school-facts` into the read model: schools, classes, posts, calendars, roll-call progress."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from contracts import facts
from contracts.envelope import Event
from contracts.versions import mark_version
from services.gateway.feed.fold import Newest
from services.gateway.store import places
from services.kit.lanes import Effects, Lane, Transaction


@dataclass(slots=True)
class Poll:
    """One poll as the newest row of each natural key."""

    schools: Newest = field(default_factory=Newest)
    classes: Newest = field(default_factory=Newest)
    assignments: Newest = field(default_factory=Newest)
    calendars: Newest = field(default_factory=Newest)
    confirmed: Newest = field(default_factory=Newest)

    def put(self, event: Event, part: int) -> None:
        """Sort one fact in."""
        body, version = event.body, mark_version(event.meta)
        match body:
            case facts.SchoolDescribed():
                self.schools.put((body.school,), version, (body.name, body.kind), part)
            case facts.ClassDescribed():
                row = (body.school, body.school_year, body.grade, body.label, body.special_needs)
                self.classes.put((body.class_id,), version, row, part)
            case facts.StaffAssignmentSet():
                self.assignments.put((body.assignment_id,), version, _assignment(body), part)
            case facts.CalendarSet():
                key = (body.school, body.school_year, body.grade or 0, body.class_label or "")
                days = {each.date.isoformat(): each.kind for each in body.days}
                self.calendars.put(key, version, (encode_days(days),), part)
            case facts.ClassesConfirmed():
                counts = (body.expected, body.confirmed, event.meta.origin_at or event.meta.time)
                self.confirmed.put((body.school, body.date), body.version, counts, part)


def _assignment(body: facts.StaffAssignmentSet) -> tuple[object, ...]:
    return (
        body.staff_id,
        body.school,
        body.role,
        body.grade,
        body.class_id,
        body.valid_from,
        body.valid_to,
    )


def encode_days(days: Mapping[str, str]) -> str:
    """A calendar as stored: ISO date to kind."""
    return msgspec.json.encode(days).decode()


class Schools:
    """Subscriber ``gateway.schools``."""

    consumer = "gateway.schools"
    topics = ("school-facts",)
    wants = frozenset(
        {"school-described", "class-described", "staff-assignment-set", "calendar-set", "classes-confirmed"}
    )

    def new_cache(self, partition: int) -> None:
        """Nothing is remembered between polls."""

    async def handle(self, lanes: Sequence[Lane[None]], tx: Transaction) -> Effects:
        """Fold and save; screens of the schools concerned wake up."""
        effects, poll, touched = Effects(), Poll(), set()
        for lane in lanes:
            for event in lane.events:
                poll.put(event, lane.partition)
                touched.add(getattr(event.body, "school", ""))
        for newest, save in (
            (poll.schools, places.save_schools),
            (poll.classes, places.save_classes),
            (poll.assignments, places.save_assignments),
            (poll.calendars, places.save_calendars),
            (poll.confirmed, places.save_confirmed),
        ):
            effects.stale.update(await save(tx, newest))
        await places.signal(tx, sorted(touched - {""}))
        return effects
