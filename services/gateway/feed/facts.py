"""`pupil-facts` into the read model: days, enrolments, surveys, infirmary, tallies, erasure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts import facts
from contracts.envelope import Event
from contracts.versions import mark_version
from services.gateway import audience
from services.gateway.feed.fold import Newest
from services.gateway.store import feed
from services.kit.lanes import Effects, Lane, Transaction


@dataclass(slots=True)
class Erased:
    """What a lane remembers: the children whose data went. Loaded on first use."""

    ids: set[str] = field(default_factory=set)
    loaded: bool = False


@dataclass(slots=True)
class Poll:
    """One poll as the newest row of each natural key."""

    days: Newest = field(default_factory=Newest)
    enrolments: Newest = field(default_factory=Newest)
    surveys: Newest = field(default_factory=Newest)
    visits: Newest = field(default_factory=Newest)
    details: Newest = field(default_factory=Newest)
    details_gone: Newest = field(default_factory=Newest)
    tallies: Newest = field(default_factory=Newest)
    settled: set[tuple[str, object]] = field(default_factory=set)
    erased: set[str] = field(default_factory=set)


def _marked(poll: Poll, event: Event, body: facts.AttendanceMarked, part: int) -> None:
    key = (body.linkage_id, body.date)
    poll.days.put(key, mark_version(event.meta), (int(body.code), int(body.flags)), part)


def _unmarked(poll: Poll, event: Event, body: facts.AttendanceWithdrawn, part: int) -> None:
    poll.days.put((body.linkage_id, body.date), mark_version(event.meta), (0, 0), part)


def _enrolled(poll: Poll, event: Event, body: facts.EnrolmentSet, part: int) -> None:
    row = (
        body.school,
        body.class_id,
        body.school_year,
        body.grade,
        body.number,
        body.valid_from,
        body.valid_to,
        body.moved_in,
        False,
    )
    poll.enrolments.put((body.linkage_id, body.enrolment_id), mark_version(event.meta), row, part)


def _unenrolled(poll: Poll, event: Event, body: facts.EnrolmentWithdrawn, part: int) -> None:
    key = (body.linkage_id, body.enrolment_id)
    poll.enrolments.put(key, mark_version(event.meta), feed.NO_ENROLMENT, part)


def _surveyed(poll: Poll, event: Event, body: facts.SurveyMarked, part: int) -> None:
    version = mark_version(event.meta)
    for who, (positive, asked) in audience.tally(body.indicators).items():
        key = (body.linkage_id, body.survey, body.school_year, body.round, who)
        poll.surveys.put(key, version, (body.date, positive, asked), part)


def _visited(poll: Poll, event: Event, body: facts.InfirmaryVisitCounted, part: int) -> None:
    key = (body.linkage_id, body.visit_id)
    poll.visits.put(key, mark_version(event.meta), (body.date, body.kind), part)


def _detailed(poll: Poll, event: Event, body: facts.InfirmaryVisitDetailed, part: int) -> None:
    row = (body.date, body.symptom, body.entered_minute, body.left_minute)
    poll.details.put((body.linkage_id, body.visit_id), mark_version(event.meta), row, part)


def _unvisited(poll: Poll, event: Event, body: facts.InfirmaryVisitWithdrawn, part: int) -> None:
    key, version = (body.linkage_id, body.visit_id), mark_version(event.meta)
    poll.visits.put(key, version, (body.date, feed.NO_VISIT), part)
    poll.details_gone.put(key, version, (body.date, feed.NO_VISIT, None, None), part)


def _tallied(poll: Poll, _: Event, body: facts.ClassDaysTallied, part: int) -> None:
    if part == 0:  # every partition carries the same copy
        for each in body.classes:
            row = (each.counted, each.absent, each.late)
            poll.tallies.put((each.class_id, body.date), body.version, row, part)


def _settled(poll: Poll, _: Event, body: facts.SchoolDaySettled, part: int) -> None:
    if part == 0:
        poll.settled.add((body.school, body.date))


_FOLDS: dict[type, Callable[[Poll, Event, Any, int], None]] = {
    facts.AttendanceMarked: _marked,
    facts.AttendanceWithdrawn: _unmarked,
    facts.EnrolmentSet: _enrolled,
    facts.EnrolmentWithdrawn: _unenrolled,
    facts.SurveyMarked: _surveyed,
    facts.InfirmaryVisitCounted: _visited,
    facts.InfirmaryVisitDetailed: _detailed,
    facts.InfirmaryVisitWithdrawn: _unvisited,
    facts.ClassDaysTallied: _tallied,
    facts.SchoolDaySettled: _settled,
}
_OF_NO_CHILD = (facts.ClassDaysTallied, facts.SchoolDaySettled)


def fold(lanes: Sequence[Lane[Erased]], gone: set[str], effects: Effects) -> Poll:
    """Everything a poll says, one row per natural key; what concerns an erased child counts as erased."""
    poll = Poll()
    for lane in lanes:
        poll.erased.update(e.body.linkage_id for e in lane.events if isinstance(e.body, facts.PupilErased))
    gone = gone | poll.erased
    for lane in lanes:
        part = lane.partition
        for event in lane.events:
            body = event.body
            if gone and not isinstance(body, _OF_NO_CHILD) and body.linkage_id in gone:  # type: ignore[attr-defined]
                effects.erased[part] += not isinstance(body, facts.PupilErased)
            else:
                _FOLDS[type(body)](poll, event, body, part)
    return poll


class Facts:
    """Subscriber ``gateway.facts``."""

    consumer = "gateway.facts"
    patience_seconds = 1.0
    topics = ("pupil-facts",)
    wants = frozenset(
        {
            "attendance-marked",
            "attendance-withdrawn",
            "enrolment-set",
            "enrolment-withdrawn",
            "survey-marked",
            "infirmary-visit-counted",
            "infirmary-visit-detailed",
            "infirmary-visit-withdrawn",
            "class-days-tallied",
            "school-day-settled",
            "pupil-erased",
        }
    )

    def new_cache(self, partition: int) -> Erased:
        """Nothing known of erased children yet."""
        return Erased()

    async def handle(self, lanes: Sequence[Lane[Erased]], tx: Transaction) -> Effects:
        """Fold, save in bulk, count what was stale."""
        effects = Effects()
        gone = await known_erased(lanes, tx, effects)
        poll = fold(lanes, gone, effects)
        stale = await feed.save_days(tx, poll.days)
        stale += await feed.save_enrolments(tx, poll.enrolments)
        await feed.save_surveys(tx, poll.surveys)
        stale += await feed.save_visits(tx, poll.visits)
        stale += await feed.save_details(tx, poll.details)
        await feed.save_details(tx, poll.details_gone)  # one event: if stale, counted with its visit
        await feed.save_tallies(tx, poll.tallies)
        await feed.save_settled(tx, poll.settled)
        if poll.erased:
            await feed.erase(tx, sorted(poll.erased))
            effects.after_commit.append(lambda: remember(lanes, poll.erased))
        effects.stale.update(stale)
        return effects


async def known_erased(lanes: Sequence[Lane[Erased]], tx: Transaction, effects: Effects) -> set[str]:
    """Erased children as far as these lanes know; read from the database once per lane."""
    gone: set[str] = set().union(*(lane.cache.ids for lane in lanes))
    if all(lane.cache.loaded for lane in lanes):
        return gone
    gone |= await feed.erased(tx)
    effects.after_commit.append(lambda: remember(lanes, gone))
    return gone


def remember(lanes: Sequence[Lane[Erased]], gone: set[str]) -> None:
    """Change the caches; only after COMMIT."""
    for lane in lanes:
        lane.cache.ids |= gone
        lane.cache.loaded = True
