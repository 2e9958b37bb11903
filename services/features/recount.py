"""Changed days into the lane's own counts, and which of those counts are to be told."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from contracts.codes import AttendanceFlag as Flag
from contracts.envelope import Event
from services.features.cache import DayKey, LaneState
from services.features.classes import class_name
from services.features.loading import load_own_days
from services.features.schoolyear import locate
from services.features.step import Step
from services.features.versions import coarse
from services.kit.lanes import Transaction


class DayState(NamedTuple):
    """A child's day as a strip holds it; ``class_id`` "" where no mark ever named one."""

    class_id: str
    status: int
    flags: int
    version: int

    def counts_as(self) -> tuple[str, int, int]:
        """All that the class's counts can see of it."""
        return (self.class_id, self.status, self.flags & Flag.late)


class Move(NamedTuple):
    """What became of a child's day. A day never changes date, but it may change class and even school."""

    state: LaneState
    linkage_id: str
    date_key: DayKey
    former_key: DayKey | None
    before: DayState
    now: DayState
    cause: Event


def move(
    state: LaneState, linkage_id: str, before: DayState, now: DayState, cause: Event, day: date
) -> Move | None:
    """A move, or None where neither state names a class."""
    if not now.class_id:
        now = now._replace(class_id=before.class_id)
    if not now.class_id:
        return None
    school = class_name(now.class_id).school
    former = class_name(before.class_id).school if before.class_id else school
    former_key = (former, day) if former != school else None
    return Move(state, linkage_id, (school, day), former_key, before, now, cause)


async def recount(tx: Transaction, step: Step, moves: Iterable[Move]) -> None:
    """Apply moves to the own counts and note which days are to be told."""
    listed = list(moves)
    keys = [(each.state, each.date_key) for each in listed]
    keys += [(each.state, each.former_key) for each in listed if each.former_key]
    await load_own_days(tx, keys)
    for each in listed:
        if each.former_key:
            _shift(step, each, each.former_key, each.before, None)
            _shift(step, each, each.date_key, None, each.now)
        else:
            _shift(step, each, each.date_key, each.before, each.now)


def _shift(step: Step, each: Move, key: DayKey, out: DayState | None, into: DayState | None) -> None:
    """Change one day's counts. The version grows by the newer mark's, whether the child comes, stays or goes."""
    state = each.state
    own = state.own_day(key)
    state.changed_own.add(key)
    own.version += coarse(each.now.version) - (coarse(out.version) if out else 0)
    if out and into and out.counts_as() == into.counts_as():
        return
    absence = False
    if out:
        absence |= own.count(each.linkage_id, out.class_id, out.status, out.flags, -1)
    if into:
        absence |= own.count(each.linkage_id, into.class_id, into.status, into.flags, 1)
    if not own.told and (absence or is_final(state, key)):
        step.counted[state.partition, key] = each.cause


def is_final(state: LaneState, key: DayKey) -> bool:
    """Whether every change of a day's counts must be told: the day has settled or closed."""
    school_year, index = locate(key[1])
    return key[1] <= state.closed_until or bool(state.settled_days((key[0], school_year))[index])
