"""A child's school year as packed day records, a chunk of bytes per month, each remembering where the fold stood.

Invariant: within a chunk records are in the order of the days, each holds the fold *after* its day, and the
chunk begins with the fold before its first day; so a change is folded on from its own month, no earlier.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from struct import Struct
from typing import Any, NamedTuple

from contracts.codes import LongAbsence
from services.scoring.bands import LONG_CODES, START, Fold, step

SETTLED = 1
REMOVED = 2
CROSSED = 4
_LONG_SHIFT = 3
_LONG_MASK = 3 << _LONG_SHIFT
BY_MODEL = 32
BY_MODEL_COMBINED = 64

#: Model days are counted from here, 0 is "no model".
_MODEL_EPOCH = date(2020, 1, 1).toordinal() - 1


class Day(NamedTuple):
    """One school day. ``day`` counts from 1 April; levels are enter | stay << 4; models are day numbers, 0 for none.

    ``order`` is the evidence version of the event that wrote it (orders removals), ``version`` that of the
    vector; ``combined_part`` is what attendance adds under the combined model.
    """

    day: int
    order: int
    version: int
    flags: int
    fired: int
    pace: float
    log_odds: float
    combined_log_odds: float
    combined_part: float
    model_day: int
    combined_model_day: int
    levels: int
    combined_levels: int
    fold: Fold = START
    combined_fold: Fold = START

    @property
    def long_code(self) -> int:
        """Index into :data:`services.scoring.bands.LONG_CODES`."""
        return (self.flags & _LONG_MASK) >> _LONG_SHIFT

    @property
    def counts(self) -> bool:
        """Whether the day is folded: settled, and not taken out of the calendar."""
        return self.flags & (SETTLED | REMOVED) == SETTLED


class Folds(NamedTuple):
    """The folds of both bases."""

    attendance: Fold = START
    combined: Fold = START


_QUIET = Folds()

_RECORD = Struct("<HqqBHffffHHBBBBhBBh")
_CARRY = Struct("<BBhBBh")
_CARRY_BYTES = _CARRY.size
_PLAIN = 13


def flags_of(settled: bool, crossed: bool, long_absence: LongAbsence) -> int:
    """Flags of a day as features tells it."""
    return (
        (SETTLED if settled else 0)
        | (CROSSED if crossed else 0)
        | LONG_CODES.index(long_absence) << _LONG_SHIFT
    )


def removed_day(day: int, order: int) -> Day:
    """The mark of a day that is no school day of the child any more."""
    return Day(day, order, 0, REMOVED, 0, 0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0)


def fold_in(before: Folds, day: Day) -> Folds:
    """The folds after a day."""
    if not day.counts or (before == _QUIET and not day.levels and not day.combined_levels):
        return before
    code = day.flags >> _LONG_SHIFT & 3
    levels, combined = day.levels, day.combined_levels
    return Folds(
        step(before.attendance, day.day, levels & 15, levels >> 4, code),
        step(before.combined, day.day, combined & 15, combined >> 4, code),
    )


def folded(day: Day, folds: Folds) -> Day:
    """The day with the folds after it."""
    return Day._make((*day[:_PLAIN], *folds))


def pack_day(day: Day) -> bytes:
    """A record."""
    return _RECORD.pack(*day[:_PLAIN], *day.fold, *day.combined_fold)


def _day(found: tuple[Any, ...]) -> Day:
    return Day._make((*found[:_PLAIN], Fold(*found[13:16]), Fold(*found[16:19])))


def unpack_day(record: bytes) -> Day:
    """The day of a record."""
    found = _RECORD.unpack(record)
    return _day(found)


def new_chunk(carry: Folds) -> bytes:
    """An empty month after ``carry``."""
    return _CARRY.pack(*carry.attendance, *carry.combined)


def carry_of(chunk: bytes) -> Folds:
    """The folds before a month."""
    found = _CARRY.unpack_from(chunk)
    return Folds(Fold(*found[:3]), Fold(*found[3:]))


def days_of(chunk: bytes) -> list[Day]:
    """The days of a month, oldest first."""
    return [_day(found) for found in _RECORD.iter_unpack(memoryview(chunk)[_CARRY_BYTES:])]


def chunk_of(carry: Folds, days: Iterable[Day]) -> tuple[bytes, Folds]:
    """Fold days (oldest first) on from ``carry``: the chunk and the folds after it."""
    parts, folds = [new_chunk(carry)], carry
    for day in days:
        folds = fold_in(folds, day)
        parts.append(pack_day(folded(day, folds)))
    return b"".join(parts), folds


def without_last(chunk: bytes) -> tuple[bytes, Folds]:
    """A month without its latest day, and the folds before that day."""
    rest = chunk[: -_RECORD.size]
    if len(rest) == _CARRY_BYTES:
        return rest, carry_of(rest)
    final = unpack_day(rest[-_RECORD.size :])
    return rest, Folds(final.fold, final.combined_fold)


def find(chunk: bytes, day: int) -> Day | None:
    """The record of a day of the school year, if it is there."""
    size = _RECORD.size
    for at in range(_CARRY_BYTES, len(chunk), size):
        if chunk[at] | chunk[at + 1] << 8 == day:
            return unpack_day(chunk[at : at + size])
    return None


@cache
def first_of_year(school_year: int) -> int:
    """Proleptic ordinal of 1 April."""
    return date(school_year, 4, 1).toordinal()


def month_of(first: int, day: int) -> int:
    """Month of the school year, April 0 … March 11, of a day counted from 1 April (ordinal ``first``)."""
    return (date.fromordinal(first + day).month - 4) % 12


def model_number(closed_on: date) -> int:
    """How a model's day is kept."""
    return closed_on.toordinal() - _MODEL_EPOCH


def model_date(number: int) -> date | None:
    """The day of a model, None for no model."""
    return date.fromordinal(_MODEL_EPOCH + number) if number else None


def all_days(months: dict[int, bytes]) -> Iterator[Day]:
    """Every day of the given months, oldest first."""
    for month in sorted(months):
        yield from days_of(months[month])
