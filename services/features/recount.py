"""Changed days into the lane's own counts, and which of those counts are to be told."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from contracts.envelope import Event
from services.features.cache import DayKey, LaneState
from services.features.classes import class_name
from services.features.loading import load_own_days
from services.features.owncounts import LATE, OwnDay
from services.features.schoolyear import locate
from services.features.step import Step
from services.features.versions import COARSE_BITS
from services.kit.lanes import Transaction


class DayState(NamedTuple):
    """A child's day as a strip holds it; ``class_id`` "" where no mark ever named one."""

    class_id: str
    status: int
    flags: int
    version: int


NEVER_MARKED = DayState("", 0, 0, 0)


class Move(NamedTuple):
    """What became of a child's day: out of the former school's counts, into the new one's, mostly the same."""

    state: LaneState
    linkage_id: str
    key: DayKey
    former_key: DayKey
    before: DayState
    now: DayState
    cause: Event


def move(
    state: LaneState, linkage_id: str, before: DayState, now: DayState, cause: Event, day: date
) -> Move | None:
    """A move, or None where neither state names a class. A withdrawn day stays with the class that it had."""
    if not now.class_id:
        if not before.class_id:
            return None
        now = DayState(before.class_id, 0, 0, now.version)
    key = (class_name(now.class_id).school, day)
    former = key
    if before.class_id and before.class_id != now.class_id:
        former = (class_name(before.class_id).school, day)
    return Move(state, linkage_id, key, former, before, now, cause)


async def recount(tx: Transaction, step: Step, moves: Iterable[Move]) -> None:
    """Apply moves to the own counts and note which days are to be told."""
    listed = list(moves)
    keys = {(each.state, each.key) for each in listed}
    keys |= {(each.state, each.former_key) for each in listed if each.former_key is not each.key}
    await load_own_days(tx, keys)
    days = {(state, key): (state.own_day(key), is_final(state, key)) for state, key in keys}
    for state, key in keys:
        state.changed_own.add(key)
    for each in listed:
        before, now = each.before, each.now
        own, final = days[each.state, each.key]
        grown = (now.version >> COARSE_BITS) - (before.version >> COARSE_BITS)
        if each.former_key == each.key:
            own.version += grown
            _shift(own, each.linkage_id, before, now)
        else:
            former, former_final = days[each.state, each.former_key]
            former.version += grown
            own.version += now.version >> COARSE_BITS
            _shift(former, each.linkage_id, before, NEVER_MARKED)
            if former_final and not former.told:
                step.counted[each.state.partition, each.former_key] = each.cause
            _shift(own, each.linkage_id, NEVER_MARKED, now)
        if final and not own.told:
            step.counted[each.state.partition, each.key] = each.cause


def _shift(own: OwnDay, who: str, out: DayState, into: DayState) -> None:
    """Change one day's counts."""
    if out.class_id == into.class_id and out.status == into.status and not (out.flags ^ into.flags) & LATE:
        return
    if out.class_id:
        own.count(who, out.class_id, out.status, out.flags, -1)
    own.count(who, into.class_id, into.status, into.flags, 1)


def is_final(state: LaneState, key: DayKey) -> bool:
    """Whether every change of a day's counts must be told: the day has settled or closed."""
    if key[1] <= state.closed_until:
        return True
    school_year, index = locate(key[1])
    return bool(state.settled_days((key[0], school_year))[index])
