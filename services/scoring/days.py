"""A school day as a packed record, and a child's month as a chunk of them, each remembering where the fold stood.

Invariant: within a chunk records are in the order of the days, each ends with the folds *after* its day, and the
chunk begins with the folds before its first day. So the folds after any part of a month are its last bytes, and a
change is folded on from its own month, no earlier. Records stay packed; a :class:`Day` is for looking at one.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache, lru_cache
from struct import Struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.codes import LongAbsence
from services.scoring.bands import LONG_CODES, START, Fold, step

SETTLED = 1
REMOVED = 2
CROSSED = 4
_COUNTING = SETTLED | REMOVED
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


#: A record as numpy fills it in: the fields of a day, then the folds of both bases as one number.
RECORD = np.dtype(
    [
        ("day", "<u2"),
        ("order", "<i8"),
        ("version", "<i8"),
        ("flags", "u1"),
        ("fired", "<u2"),
        ("pace", "<f4"),
        ("log_odds", "<f4"),
        ("combined_log_odds", "<f4"),
        ("combined_part", "<f4"),
        ("model_day", "<u2"),
        ("combined_model_day", "<u2"),
        ("levels", "u1"),
        ("combined_levels", "u1"),
        ("folds", "<u8"),
    ]
)
_RECORD = Struct("<HqqBHffffHHBBBBhBBh")
_FOLDS = Struct("<BBhBBh")
_ORDER = Struct("<HqqB")
SIZE = _RECORD.size
#: Bytes of the folds at the end of a record, and places of single bytes in it.
FOLDS = _FOLDS.size
_FLAGS, _LEVELS, _COMBINED_LEVELS = 18, 41, 42
#: The folds of a child of whom nothing has been seen.
QUIET = _FOLDS.pack(*START, *START)


# --- one record ---


def flags_of(settled: bool, crossed: bool, long_absence: LongAbsence) -> int:
    """Flags of a day as features tells it."""
    return settled * SETTLED | crossed * CROSSED | LONG_CODES.index(long_absence) << _LONG_SHIFT


def removed_day(day: int, order: int) -> bytes:
    """The mark of a day that is no school day of the child any more."""
    return pack_day(Day(day, order, 0, REMOVED, 0, 0.0, 0.0, 0.0, 0.0, 0, 0, 0, 0))


def pack_day(day: Day) -> bytes:
    """A record."""
    return _RECORD.pack(*day[:13], *day.fold, *day.combined_fold)


def unpack_day(record: bytes) -> Day:
    """The day of a record."""
    found = _RECORD.unpack(record)
    return Day._make((*found[:13], Fold(*found[13:16]), Fold(*found[16:])))


def packed(rows: NDArray[np.void]) -> list[bytes]:
    """Rows of :data:`RECORD` as records."""
    whole = rows.tobytes()
    return [whole[at : at + SIZE] for at in range(0, len(whole), SIZE)]


def number_of(record: bytes) -> int:
    """The day of the school year."""
    return record[0] | record[1] << 8


def counts(record: bytes) -> bool:
    """Whether the day is folded: settled, and not taken out of the calendar."""
    return record[_FLAGS] & _COUNTING == SETTLED


def long_code(record: bytes) -> int:
    """As :attr:`Day.long_code`."""
    return (record[_FLAGS] & _LONG_MASK) >> _LONG_SHIFT


def supersedes(new: bytes, old: bytes) -> bool:
    """Vectors by their own version; where a removal is on either side, by the evidence they came with."""
    _, new_order, new_version, new_flags = _ORDER.unpack_from(new)
    _, old_order, old_version, old_flags = _ORDER.unpack_from(old)
    if (new_flags | old_flags) & REMOVED:
        return bool(new_order > old_order)
    return bool(new_version > old_version)


def folded(record: bytes, before: bytes) -> bytes:
    """The record with the folds after its day, from those before it."""
    levels, combined, flags = record[_LEVELS], record[_COMBINED_LEVELS], record[_FLAGS]
    if flags & _COUNTING != SETTLED or (before == QUIET and not levels and not combined):
        return record[:-FOLDS] + before
    day, code, folds = number_of(record), long_code(record), _FOLDS.unpack(before)
    return record[:-FOLDS] + _FOLDS.pack(
        *step(Fold(*folds[:3]), day, levels & 15, levels >> 4, code),
        *step(Fold(*folds[3:]), day, combined & 15, combined >> 4, code),
    )


# --- a month ---


def records_of(chunk: bytes) -> list[bytes]:
    """The records of a month, oldest first."""
    return [chunk[at : at + SIZE] for at in range(FOLDS, len(chunk), SIZE)]


def chunk_of(before: bytes, records: Iterable[bytes]) -> bytes:
    """A month: records (oldest first) folded on from the folds before it."""
    parts = [before]
    for record in records:
        parts.append(folded(record, parts[-1][-FOLDS:]))
    return b"".join(parts)


def find(chunk: bytes, day: int) -> bytes | None:
    """The record of a day of the school year, if it is there."""
    for at in range(FOLDS, len(chunk), SIZE):
        if chunk[at] | chunk[at + 1] << 8 == day:
            return chunk[at : at + SIZE]
    return None


def all_records(months: dict[int, bytes]) -> Iterator[bytes]:
    """Every record of the given months, oldest first."""
    for month in sorted(months):
        yield from records_of(months[month])


# --- dates ---


@cache
def first_of_year(school_year: int) -> int:
    """Proleptic ordinal of 1 April."""
    return date(school_year, 4, 1).toordinal()


@lru_cache(4096)
def month_of(school_year: int, day: int) -> int:
    """Month of the school year, April 0 … March 11, of a day counted from 1 April."""
    return (date.fromordinal(first_of_year(school_year) + day).month - 4) % 12


def model_number(closed_on: date) -> int:
    """How a model's day is kept."""
    return closed_on.toordinal() - _MODEL_EPOCH


def model_date(number: int) -> date | None:
    """The day of a model, None for no model."""
    return date.fromordinal(_MODEL_EPOCH + number) if number else None
