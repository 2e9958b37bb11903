"""What is known of one child in one school year, and how a day is put in its place.

A ``ChildYear`` in a cache is never changed: ``draft`` copies it, the copy is worked on and replaces it after
COMMIT. Days are ordered by the version of their vector, removals by the version of the evidence they came with.
"""

from collections.abc import Iterable, Sequence
from copy import copy

from msgspec import Struct, field

from contracts.features import AttendanceEvidence, InfirmaryEvidence, SurveyEvidence
from services.scoring.days import (
    FOLDS,
    QUIET,
    SIZE,
    Day,
    all_records,
    chunk_of,
    counts,
    find,
    first_of_year,
    folded,
    month_of,
    number_of,
    records_of,
    supersedes,
    unpack_day,
)

_MAX_VERSION = (1 << 63) - 1
#: This month and the one before: what a change of yesterday needs.
_MONTHS_KEPT = 2


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


class ChildYear(Struct):
    """``months`` holds the chunks loaded so far, complete from month ``loaded_from`` on.

    ``tail`` is the latest record, ``last`` the latest settled one, empty for none. ``emitted`` are the digests last
    sent per basis, ``told_at`` the school they went to. ``evidence_version`` grows with every fact of the child's
    year; ``floor`` is the version that the year before had reached when this one began. ``touched`` are the months
    to be saved, ``items_touched`` says whether infirmary and survey are.
    """

    linkage_id: str
    school_year: int
    school: str
    class_id: str
    grade: int
    lane: int
    evidence_version: int = 0
    evidence: list[AttendanceEvidence] = []
    infirmary: Added = field(default_factory=Added)
    survey: Added = field(default_factory=Added)
    floor: int = 0
    tail: bytes = b""
    last: bytes = b""
    emitted: tuple[bytes, bytes] = (b"", b"")
    told_at: str = ""
    months: dict[int, bytes] = {}
    loaded_from: int = 0
    touched: tuple[int, ...] = ()
    items_touched: bool = False

    @property
    def latest(self) -> int:
        """The latest day of the school year, -1 for none."""
        return number_of(self.tail) if self.tail else -1

    @property
    def first(self) -> int:
        """1 April (proleptic ordinal)."""
        return first_of_year(self.school_year)

    def draft(self) -> "ChildYear":
        """A copy that may be worked on; nothing of it is to be saved yet."""
        found = copy(self)
        found.months, found.touched, found.items_touched = self.months.copy(), (), False
        return found

    def slim(self) -> None:
        """Months long past leave the memory."""
        if len(self.months) > _MONTHS_KEPT:
            keep = month_of(self.school_year, self.latest) - 1
            self.loaded_from = max(self.loaded_from, keep)
            self.months = {month: chunk for month, chunk in self.months.items() if month >= keep}

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
        month, latest = month_of(self.school_year, day), self.latest
        if day > latest:
            return month
        return max(month - 1, 0) if month == month_of(self.school_year, latest) else 0

    def known(self, day: int) -> bytes | None:
        """The record of a day, from the months loaded."""
        if day >= self.latest:
            return self.tail if day == self.latest else None
        chunk = self.months.get(month_of(self.school_year, day))
        return find(chunk, day) if chunk is not None else None

    def put(self, records: Sequence[bytes]) -> set[int]:
        """Put days in their places and fold on once, from the earliest change; gives back those that were newer."""
        changed: dict[int, bytes] = {}
        newer: set[int] = set()
        latest = self.latest
        for record in records if len(records) == 1 else sorted(records, key=number_of):
            day = number_of(record)
            if day > latest:
                if changed:
                    self._change(changed)
                changed, latest = {}, day
                self._append(day, record, self.tail[-FOLDS:] or QUIET)
                newer.add(day)
                continue
            before = changed.get(day) or self.known(day)
            if before is None or supersedes(record, before):
                changed[day] = record
                newer.add(day)
        if changed:
            self._change(changed)
        return newer

    def replace(self, records: Iterable[bytes]) -> None:
        """Put newly judged days in place of the same days; versions stay."""
        if changed := {number_of(record): record for record in records}:
            self._change(changed)

    def days_from(self, day: int) -> list[Day]:
        """Known days on or after ``day``, oldest first, from the months loaded."""
        start = month_of(self.school_year, day)
        later = all_records({month: chunk for month, chunk in self.months.items() if month >= start})
        return [unpack_day(record) for record in later if number_of(record) >= day]

    def _append(self, day: int, record: bytes, before: bytes) -> None:
        """Put a record behind all others; ``before`` are the folds before it."""
        month = month_of(self.school_year, day)
        self.tail = record = folded(record, before)
        self.months[month] = (self.months.get(month) or before) + record
        self._touch(month)
        if counts(record):
            self.last = record

    def _touch(self, month: int) -> None:
        if month not in self.touched:
            self.touched += (month,)

    def _change(self, changed: dict[int, bytes]) -> None:
        today = changed.get(self.latest) if len(changed) == 1 else None
        if today is not None and counts(today) >= counts(self.tail):
            self._replace_tail(today)
        else:
            self._refold(changed)

    def _replace_tail(self, record: bytes) -> None:
        """The commonest change: today's day once more (settled, tallied, corrected)."""
        month = month_of(self.school_year, self.latest)
        rest = self.months[month] = self.months[month][:-SIZE]
        self._append(self.latest, record, rest[-FOLDS:])

    def _refold(self, changed: dict[int, bytes]) -> None:
        start = month_of(self.school_year, min(changed))
        by_month = {
            month: {number_of(record): record for record in records_of(chunk)}
            for month, chunk in self.months.items()
            if month >= start
        }
        for number, record in changed.items():
            by_month.setdefault(month_of(self.school_year, number), {})[number] = record
        folds = self._before(start)
        for month, known in sorted(by_month.items()):
            self.months[month] = chunk_of(folds, [known[number] for number in sorted(known)])
            self._touch(month)
            folds = self.months[month][-FOLDS:]
        self._take_ends()

    def _before(self, month: int) -> bytes:
        """The folds before a month."""
        if month in self.months:
            return self.months[month][:FOLDS]
        earlier = [number for number in self.months if number < month]
        return self.months[max(earlier)][-FOLDS:] if earlier else QUIET

    def _take_ends(self) -> None:
        records = list(all_records(self.months))
        self.tail = records[-1]
        settled = [record for record in records if counts(record)]
        if settled:
            self.last = settled[-1]
        elif self.last and month_of(self.school_year, number_of(self.last)) >= self.loaded_from:
            self.last = b""
