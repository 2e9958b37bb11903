"""What a lane remembers between polls, and the layer of changes that one poll lays over it.

A :class:`LaneCache` changes only in :meth:`LaneState.commit`, after COMMIT. Everything that a poll
loads or changes lives in its :class:`LaneState`, which dies with a poll that fails.
"""

from dataclasses import dataclass, field
from datetime import date

import numpy as np

from services.features.arrays import Bool
from services.features.calendars import Calendar, CalendarKey, Calendars
from services.features.children import Child, ChildYear
from services.features.owncounts import OwnDay
from services.features.placements import Placement, place
from services.features.rules import LaneRule, rule_of
from services.features.schoolyear import DAYS
from services.features.tallies import SchoolTally
from services.kit.caches import Room, remember

#: Linkage ID and school year.
YearKey = tuple[str, int]
#: School and school year; school and date.
SchoolKey = tuple[str, int]
DayKey = tuple[str, date]
NEVER_SETTLED: Bool = np.zeros(DAYS, bool)


@dataclass(slots=True)
class LaneBase:
    """Small facts of a lane, loaded whole. ``clock``: summed versions of a year's calendars and tallies.

    ``closed_until``: the newest date that all lanes of ``records`` have closed. ``rules`` of 長期欠席 by the first
    school year that they hold for.
    """

    calendars: Calendars = field(default_factory=Calendars)
    settled: dict[SchoolKey, Bool] = field(default_factory=dict)
    clock: dict[int, int] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)
    closed_until: date = date.min
    rules: dict[int, LaneRule] = field(default_factory=dict)


@dataclass(slots=True)
class LaneCache:
    """One lane's memory. ``base`` None: nothing loaded yet. Oldest entries first in each mapping."""

    partition: int
    room: Room
    base: LaneBase | None = None
    tallies: dict[SchoolKey, SchoolTally] = field(default_factory=dict)
    own: dict[DayKey, OwnDay] = field(default_factory=dict)
    children: dict[str, Child] = field(default_factory=dict)
    years: dict[YearKey, ChildYear] = field(default_factory=dict)


@dataclass(slots=True)
class Limits:
    """How many entries a lane's cache keeps."""

    children: int
    days: int
    schools: int


class LaneState:
    """One lane during one poll: the cache below, this poll's loads and changes above."""

    def __init__(self, cache: LaneCache, base: LaneBase, partitions: int) -> None:
        self.cache = cache
        self.base = base
        self.partition = cache.partition
        self.partitions = partitions
        self.calendars = base.calendars
        self.new_calendars: dict[CalendarKey, Calendar] = {}
        self.settled: dict[SchoolKey, Bool] = {}
        self.clock: dict[int, int] = {}
        self.erased: set[str] = set()
        self.closed_until = base.closed_until
        self.rules: dict[int, LaneRule] = {}
        self.tallies: dict[SchoolKey, SchoolTally] = {}
        self.own: dict[DayKey, OwnDay] = {}
        self.children: dict[str, Child] = {}
        self.years: dict[YearKey, ChildYear] = {}
        self.changed_terms: dict[YearKey, frozenset[int]] = {}
        self.changed_own: set[DayKey] = set()

    def child(self, linkage_id: str) -> Child:
        """A loaded child.

        Raises:
            KeyError: not loaded.
        """
        found = self.children.get(linkage_id)
        return self.cache.children[linkage_id] if found is None else found

    def year(self, key: YearKey) -> ChildYear:
        """A loaded child's year.

        Raises:
            KeyError: not loaded.
        """
        found = self.years.get(key)
        return self.cache.years[key] if found is None else found

    def has_year(self, key: YearKey) -> bool:
        """Whether a child's year is loaded."""
        return key in self.years or key in self.cache.years

    def is_erased(self, linkage_id: str) -> bool:
        """Whether the child stands in the ledger of erasures."""
        return linkage_id in self.base.erased or linkage_id in self.erased

    def placement(self, key: YearKey) -> Placement:
        """Where a loaded child belongs, by what this poll knows now."""
        linkage_id, school_year = key
        child = self.child(linkage_id)
        last_class = "" if school_year in child.kinds else self.year(key).last_class()
        return place(self.calendars, school_year, child, last_class)

    def settled_days(self, key: SchoolKey) -> Bool:
        """Which days of a school year have settled at a school, bool [366]."""
        found = self.settled.get(key)
        return self.base.settled.get(key, NEVER_SETTLED) if found is None else found

    def tally(self, key: SchoolKey) -> SchoolTally:
        """Loaded tallies of a school year."""
        found = self.tallies.get(key)
        return self.cache.tallies[key] if found is None else found

    def has_tally(self, key: SchoolKey) -> bool:
        """Whether a school year's tallies are loaded."""
        return key in self.tallies or key in self.cache.tallies

    def year_clock(self, school_year: int) -> int:
        """Summed versions of the calendars and tallies of a school year."""
        return self.clock.get(school_year, self.base.clock.get(school_year, 0))

    def rule_set(self, school_year: int) -> LaneRule | None:
        """The rule that was set for a school year and later ones."""
        return self.rules.get(school_year) or self.base.rules.get(school_year)

    def rule_of(self, school_year: int) -> LaneRule:
        """The rule of 長期欠席 that holds in a school year."""
        return rule_of({**self.base.rules, **self.rules} if self.rules else self.base.rules, school_year)

    def advance_clock(self, school_year: int, by: int) -> None:
        """Count a newer calendar or tally."""
        self.clock[school_year] = self.year_clock(school_year) + by

    def own_day(self, key: DayKey) -> OwnDay:
        """A loaded day's own counts, to be changed."""
        found = self.own.get(key)
        if found is None:
            found = self.own[key] = self.cache.own[key].copy()
        return found

    def has_own(self, key: DayKey) -> bool:
        """Whether a day's own counts are loaded."""
        return key in self.own or key in self.cache.own

    def forget(self, linkage_id: str) -> None:
        """Drop an erased child from this poll."""
        self.erased.add(linkage_id)
        self.children.pop(linkage_id, None)
        for key in [key for key in self.years if key[0] == linkage_id]:
            del self.years[key]
        for key in [key for key in self.changed_terms if key[0] == linkage_id]:
            del self.changed_terms[key]

    def commit(self, limits: Limits) -> None:
        """After COMMIT: what this poll knows becomes what the lane remembers."""
        cache, base = self.cache, self.base
        cache.base = base
        base.calendars = self.calendars
        base.settled.update(self.settled)
        base.clock.update(self.clock)
        base.erased |= self.erased
        base.closed_until = self.closed_until
        base.rules.update(self.rules)
        remember(cache.tallies, self.tallies, limits.schools)
        remember(cache.own, self.own, limits.days)
        cache.room.remember(cache.years, self.years)
        remember(cache.children, self.children, cache.room.limit)
        for linkage_id in self.erased:
            cache.children.pop(linkage_id, None)
            for key in [key for key in cache.years if key[0] == linkage_id]:
                del cache.years[key]
