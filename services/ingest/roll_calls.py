"""Subscriber ``ingest.clock``: roll-calls and the clock become "classes confirmed" and "day settled".

Load, decide, save, emit. What is told of a date is a function of the lane's facts; a day settles
once, under an id that depends on school and date alone.
"""

from collections.abc import Sequence
from datetime import date

from contracts.envelope import Event
from contracts.facts import ClassesConfirmed, SchoolDaySettled
from services.ingest import metrics, store
from services.ingest.lane_facts import ClockFact, LaneFacts, SchoolKey, gather
from services.ingest.progress import NEVER_TOLD, Decision, Standing, Told, decide, standing
from services.ingest.ticks import Times
from services.ingest.ways import SCHOOL_RECORDS, SETTLING
from services.kit.ids import derived_id
from services.kit.lanes import Effects, Lane, Outgoing, Transaction

Days = dict[SchoolKey, set[date]]


def _settled(school: str, day: date, cause: Event) -> Outgoing:
    return Outgoing(
        topic="pupil-facts",
        body=SchoolDaySettled(school, day),
        id=derived_id("school-day-settled", school, day.isoformat()),
        cause=cause,
        everywhere=True,
    )


def _confirmed(school: str, day: date, now: Standing, cause: Event) -> Outgoing:
    counts = (str(now.version), str(now.expected), str(now.confirmed))
    return Outgoing(
        topic="school-facts",
        body=ClassesConfirmed(school, day, now.expected, now.confirmed, now.version),
        id=derived_id("classes-confirmed", school, day.isoformat(), *counts),
        key=school,
        cause=cause,
    )


class RollCalls:
    """Follows the roll-call of every school of its lanes. Keeps nothing between polls.

    ``times`` tell which schools have settled when the clock reached a minute of the day.
    """

    consumer = "ingest.clock"
    patience_seconds = 1.0
    topics: tuple[str, ...] = (SCHOOL_RECORDS,)
    wants = SETTLING

    def __init__(self, times: Times) -> None:
        self._times = times

    def new_cache(self, partition: int) -> None:
        """There is none."""

    async def handle(self, lanes: Sequence[Lane[None]], tx: Transaction) -> Effects:
        """Apply one poll."""
        effects = Effects()
        facts = gather(lanes)
        effects.stale.update(facts.stale)
        effects.stale.update(await store.save_facts(tx, facts))
        days = await self._days_to_look_at(tx, facts)
        if days:
            await self._tell(tx, facts, days, effects)
        return effects

    async def _days_to_look_at(self, tx: Transaction, facts: LaneFacts) -> Days:
        days: Days = {}
        for call in facts.calls:
            days.setdefault(call.at, set()).add(call.day)
        for lane, school, day in await store.days_of_clock(tx, facts.clock):
            days.setdefault(SchoolKey(lane, school), set()).add(day)
        changed = {(fact.at, fact.key.school_year) for fact in (*facts.classes, *facts.calendars)}
        for lane, school, day in await store.days_of_years(tx, changed):
            days.setdefault(SchoolKey(lane, school), set()).add(day)
        return days

    async def _tell(self, tx: Transaction, facts: LaneFacts, days: Days, effects: Effects) -> None:
        schools = await store.load_schools(tx, days)
        told = await store.load_told(tx, days)
        passed = await store.load_clock(tx, days)
        changes: dict[tuple[SchoolKey, date], Told] = {}
        for at, dates in days.items():
            for day in sorted(dates):
                now = standing(schools[at], day)
                before = told.get((at, day), NEVER_TOLD)
                minute = passed.get(ClockFact(at.lane, day))
                settled = minute is not None and self._times.has_settled(at.school, minute)
                decision = decide(now, before, clock_settled=settled)
                if decision.told != before:
                    changes[at, day] = decision.told
                    self._emit(effects, at, day, now, decision, facts.cause(at))
        await store.save_told(tx, changes)

    @staticmethod
    def _emit(
        effects: Effects, at: SchoolKey, day: date, now: Standing, decision: Decision, cause: Event
    ) -> None:
        if decision.counts_changed:
            effects.emit(at.lane, _confirmed(at.school, day, now, cause))
        if decision.settles:
            effects.emit(at.lane, _settled(at.school, day, cause))
            metrics.DAYS_SETTLED.inc()
