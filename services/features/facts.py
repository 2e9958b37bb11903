"""``pupil-facts`` in; vectors, matured labels and the lane's share of the class tally out.

Load, decide, save, emit. Whatever a poll holds is merged first, so that the order inside it makes
no difference; then the vectors of every child that it touched are computed together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from contracts.codes import LongAbsenceRule
from contracts.facts import ClassDayCounted, ClassTally, SchoolDayClosed
from contracts.registry import BY_BODY
from services.features import metrics, store
from services.features.attendance_events import attendance_events
from services.features.batch import batch
from services.features.cache import DayKey, LaneCache, LaneState, Limits, YearKey
from services.features.children import Enrolment, SurveyRound, Visit
from services.features.childside import apply_enrolments, apply_surveys, apply_visits, load_concerned
from services.features.closing import mature, note_untold
from services.features.closings import Closing, ClosingKey, Closings
from services.features.erasure import apply_erasures
from services.features.inbox import BODIES, sort
from services.features.infirmary_events import infirmary_events
from services.features.laneside import apply_calendars, apply_settlings, apply_tallies, touch_moved
from services.features.loading import load_tallies, load_years, schools_of
from services.features.marks import apply_marks, arrived, carry_over, following_years
from services.features.retelling import apply_rules
from services.features.step import Step, Touch, cut
from services.features.survey_events import survey_events
from services.kit.caches import Room
from services.kit.ids import derived_id
from services.kit.lanes import Effects, Lane, Outgoing, Transaction

#: Children's years whose vectors are computed at once.
_CHUNK = 1000


@dataclass(slots=True)
class _Saved:
    """Facts of a step that are saved as they are."""

    enrolments: list[tuple[int, str, Enrolment]]
    visits: list[tuple[int, str, Visit]]
    surveys: list[tuple[int, str, SurveyRound]]
    tallies: list[tuple[int, DayKey, list[ClassTally], int]]


class Facts:
    """The subscriber ``features.facts``."""

    consumer = "features.facts"
    patience_seconds = 0.005  # a burst comes in several parts
    topics = ("pupil-facts",)
    wants = frozenset(BY_BODY[body].name for body in BODIES)

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def new_cache(self, partition: int) -> LaneCache:
        """A lane that remembers nothing."""
        return LaneCache(partition, Room(self.limits.children))

    async def handle(self, lanes: Sequence[Lane[LaneCache]], tx: Transaction) -> Effects:
        """Apply one poll."""
        effects = Effects()
        states = await _open(lanes, tx)
        closings = Closings(await _closings(lanes, tx))
        for shares in cut(
            [(state, lane.events) for state, lane in zip(states, lanes, strict=True)], closings
        ):
            await self._apply(tx, Step(shares, effects), closings)
        effects.stale.update(closings.stale)
        await _save(tx, states, closings)
        effects.after_commit += [partial(state.commit, self.limits) for state in states]
        effects.after_commit.append(partial(metrics.count, effects.outgoing))
        return effects

    async def _apply(self, tx: Transaction, step: Step, closings: Closings) -> None:
        """One step: merge everything, then tell what has changed."""
        for share in step.shares:
            share.inbox = sort(share.events, share.state.is_erased)
            step.effects.erased[share.state.partition] += share.inbox.erased
        saved = await _merge(tx, step)
        await apply_rules(tx, step, self.limits.children)
        await _save_facts(tx, saved)
        await apply_erasures(tx, step)
        await note_untold(tx, step)
        await self._tell(tx, step)
        await mature(tx, step, closings, self.limits.children)

    async def _tell(self, tx: Transaction, step: Step) -> None:
        """Emit the vectors of touched children and the counts that are to be told."""
        await load_tallies(tx, schools_of((touch.state, key) for key, touch in step.touches.items()))
        for (school_year, rule), touches in _by_rule(step.touches).items():
            for start in range(0, len(touches), _CHUNK):
                for touch, outgoing in _events(school_year, rule, touches[start : start + _CHUNK]):
                    step.effects.emit(touch.state.partition, outgoing)
        for state, outgoing in survey_events(step.surveyed):
            step.effects.emit(state.partition, outgoing)
        _tell_counts(step)


def _by_rule(touches: dict[YearKey, Touch]) -> dict[tuple[int, LongAbsenceRule], list[Touch]]:
    """Touches by school year and rule, years in order; while a rule is being changed lanes may differ."""
    found: dict[tuple[int, LongAbsenceRule], list[Touch]] = {}
    for (_, school_year), touch in sorted(touches.items(), key=lambda each: each[0][1]):
        found.setdefault((school_year, touch.state.rule_of(school_year).rule), []).append(touch)
    return found


def _events(
    school_year: int, rule: LongAbsenceRule, touches: list[Touch]
) -> Iterator[tuple[Touch, Outgoing]]:
    owned = [(touch.state, touch.key) for touch in touches]
    found = batch(school_year, owned, rule, [touch.first for touch in touches])
    yield from attendance_events(found, touches)
    yield from infirmary_events(found, touches)


async def _open(lanes: Sequence[Lane[LaneCache]], tx: Transaction) -> list[LaneState]:
    """The lanes' states; what a lane just taken over must know is loaded first."""
    new = [lane.partition for lane in lanes if lane.cache.base is None]
    bases = await store.load_bases(tx, new) if new else {}
    return [
        LaneState(lane.cache, lane.cache.base or bases[lane.partition], lane.partitions) for lane in lanes
    ]


async def _closings(lanes: Sequence[Lane[LaneCache]], tx: Transaction) -> dict[ClosingKey, Closing]:
    keys = {
        (lane.partition, event.body.date)
        for lane in lanes
        for event in lane.events
        if isinstance(event.body, SchoolDayClosed)
    }
    return await store.load_closings(tx, sorted(keys)) if keys else {}


async def _merge(tx: Transaction, step: Step) -> _Saved:
    """Everything that the step says, into the poll's layer, whatever its order."""
    marked = arrived(step)
    await load_years(tx, [(marks.state, key) for key, marks in marked.items()])
    await load_concerned(tx, step)
    for key, marks in marked.items():
        if key[1] not in marks.state.child(key[0]).kinds:
            step.remember(marks.state, key, marks.events[-1])
    await apply_calendars(tx, step)
    enrolments = apply_enrolments(step)
    visits, surveys = apply_visits(step), apply_surveys(step)
    await apply_marks(tx, step, marked)
    await apply_settlings(tx, step)
    tallies = await apply_tallies(tx, step)
    touch_moved(step)
    await load_years(tx, following_years(step))
    carry_over(step)
    return _Saved(enrolments, visits, surveys, tallies)


def _tell_counts(step: Step) -> None:
    """``class-day-counted``: absolute counts of this lane's own children, one event per school and day."""
    states = {share.state.partition: share.state for share in step.shares}
    for (lane, (school, day)), cause in step.counted.items():
        own = states[lane].own_day((school, day))
        own.told = True
        states[lane].changed_own.add((school, day))
        body = ClassDayCounted(lane, school, day, own.tallies(), own.version)
        name = derived_id("class-day-counted", str(lane), school, day.isoformat(), str(own.version))
        step.effects.emit(lane, Outgoing("class-day-counts", body, name, key=school, cause=cause))


async def _save_facts(tx: Transaction, saved: _Saved) -> None:
    await store.save_enrolments(tx, saved.enrolments)
    await store.save_visits(tx, saved.visits)
    await store.save_surveys(tx, saved.surveys)
    await store.save_tallies(tx, saved.tallies)


async def _save(tx: Transaction, states: Sequence[LaneState], closings: Closings) -> None:
    """Everything that a poll's layers hold and the database does not."""
    await store.save_strips(
        tx,
        (
            (state.partition, key, term, state.years[key])
            for state in states
            for key, terms in state.changed_terms.items()
            for term in terms
        ),
    )
    await store.save_own_days(tx, ((s.partition, key, s.own[key]) for s in states for key in s.changed_own))
    await store.save_calendars(
        tx, ((s.partition, key, each) for s in states for key, each in s.new_calendars.items())
    )
    await store.save_settled(
        tx, ((s.partition, key, days) for s in states for key, days in s.settled.items())
    )
    await store.save_clocks(
        tx, ((s.partition, year, value) for s in states for year, value in s.clock.items())
    )
    await store.save_closings(tx, ((key, closings.known[key]) for key in closings.changed))
    await store.save_rules(tx, ((s.partition, year, each) for s in states for year, each in s.rules.items()))
