"""Running totals of a school year: any window is the difference of two columns.

Seven counts of at most 366 fit in one 63-bit word, so one cumulative sum serves seven counts;
differences of words never borrow, because every count only grows.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from services.features.arrays import F64, I16, I64, U64, Bool
from services.features.statuses import BEREAVED, OTHER, PRESENT, SICK, SUSPENDED, UNKNOWN, is_absent
from services.features.years import ChildYears, Rows

_BITS = 9
_MASK = np.uint64((1 << _BITS) - 1)
_SHIFTS = [np.uint64(_BITS * place) for place in range(7)]
#: Longer than a weekend: at least this many dates lie between two school days (休み明け).
GAP_DAYS = 4
#: The longest window in school days; beyond it "how long ago" says nothing more.
LONGEST_DAYS = 60
_STRIDE = 512
_FIELDS = ("known", "present", "sick", "other", "suspended", "bereaved", "school")
_CODES = {
    "present": PRESENT,
    "sick": SICK,
    "other": OTHER,
    "suspended": SUSPENDED,
    "bereaved": BEREAVED,
}
_FLAG_FIELDS = ("late", "left_early", "separate_room", "spell", "after_gap")
_PLACE = {name: n for n, name in enumerate(_FIELDS)}
_FLAG_PLACE = {name: n for n, name in enumerate(_FLAG_FIELDS)}


def _one(place: int) -> int:
    return 1 << (_BITS * place)


def _status_words() -> U64:
    """Word of each status byte on a school day; index 255 stands for a day without school."""
    words = [_one(_PLACE["school"]) | (_one(_PLACE["known"]) if code else 0) for code in range(256)]
    for name, code in _CODES.items():
        words[code] |= _one(_PLACE[name])
    words[255] = 0
    return np.array(words, np.uint64)


_STATUS_WORDS = _status_words()
_FLAG_WORDS = np.array(
    [sum(_one(bit) for bit in range(3) if flags >> bit & 1) for flags in range(8)], np.uint64
)
_WEEKDAY_WORDS = np.array([_one(weekday) for weekday in range(7)], np.uint64)


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open ranges of columns, one per wanted row: from ``start`` up to ``end``, int [rows].

    ``words`` and ``counts`` remember what has been taken over it; they are to be read only.
    """

    child: I64
    start: I64
    end: I64
    words: dict[str, U64] = field(default_factory=dict)
    counts: dict[str, I64] = field(default_factory=dict)


class Running:
    """Running totals of a :class:`ChildYears` for the wanted rows; column c holds days before c.

    Totals are kept from ``low`` on, where the longest window of any row begins; what lies before is
    counted directly. Thus one day's vectors cost a season and all days' vectors a year, by the same code.
    """

    def __init__(self, years: ChildYears, rows: Rows) -> None:
        self.years = years
        self.rows = rows
        self.high = int(rows.day.max()) + 1
        self.school: Bool = years.school[:, : self.high]
        self.status = years.status[:, : self.high]
        self.present: Bool = self.school & (self.status == PRESENT)
        self.absent: Bool = self.school & is_absent(self.status)
        #: A day that ends a run of absences; excused days neither end nor lengthen it.
        self.breaks: Bool = self.present | (self.school & (self.status == UNKNOWN))
        ranks = np.cumsum(self.school, axis=1, dtype=np.int32)
        self.rank: I64 = ranks[rows.child, rows.day].astype(
            np.int64
        )  # school days on or before each row's day
        self._ranks = (ranks + np.arange(len(ranks), dtype=np.int32)[:, None] * _STRIDE).ravel()
        self._windows: dict[tuple[int, int], Window] = {}
        self._before: dict[int, I64] = {0: rows.day + 1}
        self._taken: dict[tuple[str, int], tuple[I64, U64]] = {}
        self.low = int(self._after(LONGEST_DAYS).min())
        self._base = rows.child * (self.high - self.low + 1) - self.low
        #: From 1 April to each row's day, that day included.
        self.year = self.window(np.zeros_like(rows.day))

    def window(self, start: I64) -> Window:
        """From column ``start`` to each row's day, that day included."""
        return Window(self.rows.child, start, self._before[0])

    def last(self, school_days: int, skip: int = 0) -> Window:
        """The last ``school_days`` school days of each row, leaving out the newest ``skip`` of them."""
        found = self._windows.get((school_days, skip))
        if found is None:
            found = Window(self.rows.child, self._after(skip + school_days), self._after(skip))
            self._windows[school_days, skip] = found
        return found

    def _after(self, school_days: int) -> I64:
        """Column that so many school days up to each row's day begin at; 0 where there were fewer."""
        found = self._before.get(school_days)
        if found is None:
            found = self._before[school_days] = self._day_of_rank(self.rank - school_days)
        return found

    def _day_of_rank(self, rank: I64) -> I64:
        """Column after the school day with that rank; 0 where the rank is below 1."""
        wanted = (self.rows.child * _STRIDE + np.maximum(rank, 0)).astype(np.int32)
        found = np.searchsorted(self._ranks, wanted) - self.rows.child * self.high
        return np.where(rank < 1, 0, found + 1)

    def count(self, name: str, window: Window) -> I64:
        """How many days of a kind a window holds, int [rows]. ``counted`` = present + absent."""
        found = window.counts.get(name)
        if found is None:
            found = window.counts[name] = self._count(name, window)
        return found

    def _count(self, name: str, window: Window) -> I64:
        if name == "absent":
            return self.count("sick", window) + self.count("other", window)
        if name == "counted":
            return self.count("present", window) + self.count("absent", window)
        if name in _PLACE:
            found = _take(self._difference("statuses", window), _PLACE[name])
        else:
            found = _take(self._difference("flags", window), _FLAG_PLACE[name])
        if self.low and (early := window.start < self.low).any():
            part = Window(window.child[early], window.start[early], np.minimum(window.end[early], self.low))
            found[early] += _count_days(self._days_before(name), part)
        return found

    def _difference(self, kind: str, window: Window) -> U64:
        found = window.words.get(kind)
        if found is None:
            found = self._until(kind, window.end) - self._until(kind, window.start)
            window.words[kind] = found
        return found

    def _until(self, kind: str, column: I64) -> U64:
        """Running totals before each row's column; windows share columns, so they are remembered by object."""
        held = self._taken.get((kind, id(column)))
        if held is None:
            words: U64 = getattr(self, kind)
            found = words.ravel()[self._base + np.maximum(column, self.low)]
            held = self._taken[kind, id(column)] = (column, found)
        return held[1]

    def _days_before(self, name: str) -> Bool:
        """Days of a kind before ``low``, bool [n, low]; only for kinds that the whole year is asked for."""
        status, school = self.status[:, : self.low], self.school[:, : self.low]
        found: Bool = school
        if name in _CODES:
            found = school & (status == _CODES[name])
        elif name == "known":
            found = school & (status != UNKNOWN)
        elif name != "school":
            bit = np.uint8(1 << _FLAG_PLACE[name])
            found = self.present[:, : self.low] & ((self.years.flags[:, : self.low] & bit) > 0)
        return found

    def weekdays(self, window: Window) -> I64:
        """Absences by weekday, Monday first, int [7, rows]; windows of up to 60 school days."""
        words = self._difference("by_weekday", window)
        return np.stack([_take(words, weekday) for weekday in range(7)])

    def discounted(self, window: Window) -> F64:
        """Absences, each less the share of the rest of the class absent too; windows of up to 60 school days."""
        total = self._discounted
        return total[window.child, window.end - self.low] - total[window.child, window.start - self.low]

    @cached_property
    def statuses(self) -> U64:
        """Running words of the day's code."""
        kinds = np.where(self.school[:, self.low :], self.status[:, self.low :], np.uint8(255))
        return _running(_STATUS_WORDS.take(kinds))

    @cached_property
    def flags(self) -> U64:
        """Running words of lateness, runs and gaps."""
        flags = self.years.flags[:, self.low : self.high] & np.uint8(7)
        words = _FLAG_WORDS.take(flags * self.present[:, self.low :])
        words |= self.starts.astype(np.uint64) << np.uint64(_BITS * _FLAG_PLACE["spell"])
        gaps = self.after_gap & self.absent[:, self.low :]
        words |= gaps.astype(np.uint64) << np.uint64(_BITS * _FLAG_PLACE["after_gap"])
        return _running(words)

    @cached_property
    def by_weekday(self) -> U64:
        """Running words of absences by weekday."""
        weekday = self.years.days.weekday[self.low : self.high]
        return _running(np.where(self.absent[:, self.low :], _WEEKDAY_WORDS[weekday], np.uint64(0)))

    @cached_property
    def _discounted(self) -> F64:
        absent = self.absent[:, self.low :]
        rate = self.years.others_rate[:, self.low : self.high][absent]
        weight = np.zeros(absent.shape)
        weight[absent] = 1.0 - np.nan_to_num(rate, nan=0.0).astype(np.float64)
        total = np.zeros((absent.shape[0], absent.shape[1] + 1))
        np.cumsum(weight, axis=1, out=total[:, 1:])
        return total

    @cached_property
    def starts(self) -> Bool:
        """Days from ``low`` on that begin a run of absences, bool [n, high - low]."""
        absent: Bool = self.absent[:, self.low :]
        return absent & (self.last_break[:, :-1] >= self.last_absent[:, :-1])

    @cached_property
    def after_gap(self) -> Bool:
        """First school days after more than a weekend, the year's first included, bool [n, high - low]."""
        before = last_true(self.school, self.low)[:, :-1]
        number = np.arange(self.low, self.high, dtype=np.int16)
        gap: Bool = (before < 0) | (number - before >= GAP_DAYS)
        return self.school[:, self.low :] & gap

    @cached_property
    def last_break(self) -> I16:
        """Newest day before each column from ``low`` on that ends a run of absences, -1 none."""
        return last_true(self.breaks, self.low)

    @cached_property
    def last_absent(self) -> I16:
        """Newest day of absence before each column from ``low`` on, -1 none."""
        return last_true(self.absent, self.low)

    @cached_property
    def last_counted(self) -> I16:
        """Newest present or absent day before each column from ``low`` on, -1 none."""
        return last_true(self.present | self.absent, self.low)

    @cached_property
    def next_absent(self) -> I16:
        """Oldest day of absence from each column on, ``high`` where there is none; columns from ``low``."""
        return next_true(self.absent, self.low)


def last_true(days: Bool, low: int) -> I16:
    """For each column c from ``low`` on the newest true day before c, -1 none, int [n, columns - low + 1]."""
    n, columns = days.shape
    found = np.full((n, columns - low + 1), -1, np.int16)
    if low:
        newest = low - 1 - days[:, low - 1 :: -1].argmax(axis=1)
        found[:, 0] = np.where(days[np.arange(n), newest], newest, -1)
    numbers = np.arange(low, columns, dtype=np.int16)
    found[:, 1:] = np.where(days[:, low:], numbers, np.int16(-1))
    return np.maximum.accumulate(found, axis=1, out=found)


def next_true(days: Bool, low: int) -> I16:
    """For each column c from ``low`` on the oldest true day from c on, ``columns`` where there is none."""
    n, columns = days.shape
    found = np.full((n, columns - low + 1), columns, np.int16)
    found[:, :-1] = np.where(days[:, low:], np.arange(low, columns, dtype=np.int16), np.int16(columns))
    return np.minimum.accumulate(found[:, ::-1], axis=1)[:, ::-1]


def _take(words: U64, place: int) -> I64:
    return ((words >> _SHIFTS[place]) & _MASK).view(np.int64)


def _running(words: U64) -> U64:
    total = np.zeros((words.shape[0], words.shape[1] + 1), np.uint64)
    np.cumsum(words, axis=1, out=total[:, 1:])
    return total


def _count_days(days: Bool, window: Window) -> I64:
    """True days inside each window, int [rows]."""
    if not window.start.any() and (window.end == days.shape[1]).all():
        return np.asarray(np.count_nonzero(days, axis=1), np.int64)[window.child]
    column = np.arange(days.shape[1])
    inside = (column >= window.start[:, None]) & (column < window.end[:, None])
    return np.asarray(np.count_nonzero(days[window.child] & inside, axis=1), np.int64)
