"""What is known of one child in one school year, and how a day is put in its place.

A ``ChildYear`` in a cache is never changed: ``draft`` copies it, the copy is worked on and replaces it after
COMMIT. Days are ordered by the version of their vector, removals by the version of the evidence they came with.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import Struct

from contracts.features import AttendanceEvidence, InfirmaryEvidence, SurveyEvidence
from services.scoring.days import (
    REMOVED,
    Day,
    Folds,
    all_days,
    carry_of,
    chunk_of,
    days_of,
    find,
    first_of_year,
    fold_in,
    folded,
    month_of,
    new_chunk,
    pack_day,
    without_last,
)

_MAX_VERSION = (1 << 63) - 1


class Step(Struct, frozen=True, array_like=True, gc=False):
    """Values that hold from a date (proleptic ordinal) on."""

    on: int
    version: int
    values: list[float | None]


class Added(Struct, array_like=True):
    """What another item than attendance adds: its steps, oldest first, and its evidence."""

    evidence_version: int = 0
    steps: list[Step] = []
    evidence: list[InfirmaryEvidence | SurveyEvidence] = []


@dataclass(slots=True)
class ChildYear:
    """``months`` holds the chunks loaded so far, complete from month ``loaded_from`` on.

    ``tail`` is the latest record, ``last`` the latest settled one. ``emitted`` are the digests last sent per
    basis, ``told_at`` the school they went to. ``evidence_version`` grows with every fact of the child's year;
    ``floor`` is the version that the year before had reached when this one began.
    """

    linkage_id: str
    school_year: int
    school: str
    class_id: str
    grade: int
    lane: int
    evidence_version: int = 0
    evidence: list[AttendanceEvidence] = field(default_factory=list)
    infirmary: Added = field(default_factory=Added)
    survey: Added = field(default_factory=Added)
    floor: int = 0
    tail: Day | None = None
    last: Day | None = None
    emitted: tuple[bytes, bytes] = (b"", b"")
    told_at: str = ""
    months: dict[int, bytes] = field(default_factory=dict)
    loaded_from: int = 0
    touched: set[int] = field(default_factory=set)
    first: int = field(init=False)

    def __post_init__(self) -> None:
        self.first = first_of_year(self.school_year)

    def draft(self) -> "ChildYear":
        """A copy that may be worked on."""
        return ChildYear(
            self.linkage_id,
            self.school_year,
            self.school,
            self.class_id,
            self.grade,
            self.lane,
            self.evidence_version,
            self.evidence,
            self.infirmary,
            self.survey,
            self.floor,
            self.tail,
            self.last,
            self.emitted,
            self.told_at,
            dict(self.months),
            self.loaded_from,
        )

    def version(self, combined: bool) -> int:
        """Version of an assessment: the sum of what it is made of, so a function of the state.

        The combined one also grows with infirmary and survey; the attendance one must not know of them.
        """
        added = self.infirmary.evidence_version + self.survey.evidence_version if combined else 0
        return min(self.floor + self.evidence_version + added, _MAX_VERSION)

    def needs_month(self, day: int) -> int:
        """First month (April 0) that must be loaded before ``day`` can be put in its place.

        A new latest day needs its own month; a change in the latest month also the one before, so that the
        latest settled day is among them; an older change needs the whole year.
        """
        month = month_of(self.first, day)
        if self.tail is None or day > self.tail.day:
            return month
        return max(month - 1, 0) if month == month_of(self.first, self.tail.day) else 0

    def known(self, day: int) -> Day | None:
        """The record of a day, from the months loaded."""
        if self.tail is None or day > self.tail.day:
            return None
        if day == self.tail.day:
            return self.tail
        chunk = self.months.get(month_of(self.first, day))
        return find(chunk, day) if chunk is not None else None

    def put(self, *days: Day) -> set[int]:
        """Put days in their places and fold on once, from the earliest change; gives back those that were newer."""
        changed: dict[int, Day] = {}
        newer: set[int] = set()
        for day in sorted(days, key=lambda each: each.day):
            if self.tail is None or day.day > self.tail.day:
                self.replace(changed.values())
                changed = {}
                self._append(day)
                newer.add(day.day)
                continue
            before = changed.get(day.day) or self.known(day.day)
            if before is None or _supersedes(day, before):
                changed[day.day] = day
                newer.add(day.day)
        self.replace(changed.values())
        return newer

    def replace(self, days: Iterable[Day]) -> None:
        """Put newly judged days in place of the same days; versions stay."""
        changed = {day.day: day for day in days}
        if changed:
            self._change(changed)

    def days_from(self, day: int) -> list[Day]:
        """Known days on or after ``day``, oldest first, from the months loaded."""
        start = month_of(self.first, day)
        return [d for d in all_days({m: c for m, c in self.months.items() if m >= start}) if d.day >= day]

    def _append(self, day: Day) -> None:
        self._append_after(day, Folds(self.tail.fold, self.tail.combined_fold) if self.tail else Folds())

    def _append_after(self, day: Day, folds: Folds) -> None:
        month = month_of(self.first, day.day)
        day = folded(day, fold_in(folds, day))
        self.months[month] = (self.months.get(month) or new_chunk(folds)) + pack_day(day)
        self.touched.add(month)
        self.tail = day
        if day.counts:
            self.last = day

    def _change(self, changed: dict[int, Day]) -> None:
        tail = self.tail
        if tail is not None and changed.keys() == {tail.day} and changed[tail.day].counts >= tail.counts:
            self._replace_tail(changed[tail.day])
        else:
            self._refold(changed)

    def _replace_tail(self, day: Day) -> None:
        """The commonest change: today's day once more (settled, tallied, corrected)."""
        month = month_of(self.first, day.day)
        rest, folds = without_last(self.months[month])
        self.months[month] = rest
        self.tail = None
        self._append_after(day, folds)

    def _refold(self, changed: dict[int, Day]) -> None:
        start = month_of(self.first, min(changed))
        by_month = {
            number: {d.day: d for d in days_of(self.months[number])}
            for number in self.months
            if number >= start
        }
        for number, day in changed.items():
            by_month.setdefault(month_of(self.first, number), {})[number] = day
        folds = self._before(start)
        for number in sorted(by_month):
            known = by_month[number]
            self.months[number], folds = chunk_of(folds, [known[d] for d in sorted(known)])
            self.touched.add(number)
        self._take_ends()

    def _before(self, month: int) -> Folds:
        if month in self.months:
            return carry_of(self.months[month])
        earlier = [number for number in self.months if number < month]
        if not earlier:
            return Folds()
        final = days_of(self.months[max(earlier)])[-1]
        return Folds(final.fold, final.combined_fold)

    def _take_ends(self) -> None:
        days = list(all_days(self.months))
        self.tail = days[-1]
        settled = [day for day in days if day.counts]
        if settled:
            self.last = settled[-1]
        elif self.last is not None and month_of(self.first, self.last.day) >= self.loaded_from:
            self.last = None


def _supersedes(new: Day, old: Day) -> bool:
    """Vectors by their own version; where a removal is on either side, by the evidence they came with."""
    if (new.flags | old.flags) & REMOVED:
        return new.order > old.order
    return new.version > old.version
