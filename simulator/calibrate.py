"""Does the simulated city look like the published statistics? Counts, ratios, and the table of both.

Ratios are taken of counts pooled over cities and years, so that small cities do not distort them.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contracts.codes import AttendanceCode as Code
from simulator.city import City, build_city
from simulator.episodes import Kind
from simulator.longabsence import first_long_absence, recall_of_total
from simulator.settings import Settings
from simulator.years import CASE_DAYS

#: 不登校 of a whole year and a few attended days, as the ministry's survey groups them.
_SEVERE_DAYS, _HARDLY_ATTENDED = 90, 10
_LEVELS = ("elementary", "junior_high")
_NEW_KINDS = {Kind.sudden: "sudden", Kind.gradual: "gradual", Kind.slow: "slow"}
_E, _J = _LEVELS
#: name, published figure (or which setting holds it), numerator, denominator, source, asserted
_TABLE: tuple[tuple[str, float | str, str, str, str, bool], ...] = (
    (
        "不登校, elementary",
        "rate elementary",
        f"cases.{_E}",
        f"pupils.{_E}",
        "Toda .86, Japan 1.0 %, FY2020",
        True,
    ),
    (
        "不登校, junior high",
        "rate junior high",
        f"cases.{_J}",
        f"pupils.{_J}",
        "Toda 3.64, Japan 4.1 %, FY2020",
        True,
    ),
    (
        "new in the year, elementary",
        "new elementary",
        f"new.{_E}",
        f"cases.{_E}",
        "70,419/137,704, FY2024",
        True,
    ),
    (
        "new in the year, junior high",
        "new junior high",
        f"new.{_J}",
        f"cases.{_J}",
        "83,409/216,266, FY2024",
        True,
    ),
    (">= 90 days, of 不登校", 0.542, "severe", "cases", "191,958/353,970, FY2024; .574 in FY2015", True),
    ("attended <= 10 days, of 不登校", 0.104, "hardly", "cases", "13,150/125,991, FY2015", True),
    ("sudden, of new cases", "sudden", "kind.sudden", "kinds", "assumed", True),
    ("gradual, of new cases", "gradual", "kind.gradual", "kinds", "assumed", True),
    ("slow, of new cases", "slow", "kind.slow", "kinds", "assumed", True),
    (
        "other long absence, elementary",
        0.0048,
        f"other.{_E}",
        f"pupils.{_E}",
        "FY2014, denominator from memory",
        True,
    ),
    (
        "other long absence, junior high",
        0.0085,
        f"other.{_J}",
        f"pupils.{_J}",
        "FY2014; known to be too low",
        False,
    ),
    ("absences of others, elementary", 4.6, f"ordinary_days.{_E}", f"ordinary.{_E}", "4-6 assumed", True),
    ("absences of others, junior high", 4.2, f"ordinary_days.{_J}", f"ordinary.{_J}", "4-6 assumed", True),
    ("pupils without an absence", 0.155, "never_absent", "pupils", "first model, not published", True),
    ("15-29 days, elementary", 0.048, f"middle.{_E}", f"pupils.{_E}", "first model, not published", False),
    ("15-29 days, junior high", 0.041, f"middle.{_J}", f"pupils.{_J}", "first model, not published", False),
    ("出席停止 for influenza", 0.08, "influenza", "pupils", "assumed", True),
    (
        "recall@5 by total, elementary",
        0.43,
        f"named_cases.{_E}",
        f"labels.{_E}",
        "first model; published best .50",
        False,
    ),
    (
        "recall@5 by total, junior high",
        0.49,
        f"named_cases.{_J}",
        f"labels.{_J}",
        "first model, not published",
        False,
    ),
)


@dataclass(frozen=True)
class Figure:
    """A published figure beside the simulated one; only ``matched`` figures are asserted."""

    name: str
    published: float | None
    simulated: float
    source: str
    matched: bool

    @property
    def deviation(self) -> float | None:
        """Relative deviation of the simulated from the published figure."""
        return None if not self.published else self.simulated / self.published - 1


def count_year(city: City, year: int) -> Counter[str]:
    """Counts of one city-year, keyed "what.level"."""
    counts: Counter[str] = Counter()
    this = city.years[year]
    absences, cases = this.absences(), this.cases()
    open_days = this.calendar.open[this.roster.school, this.roster.grade].sum(axis=1)
    attended = _attended(city, year)
    for level, name in enumerate(_LEVELS):
        rows = np.flatnonzero(this.roster.is_junior == bool(level))
        pupils, first = np.unique(this.roster.pupil[rows], return_index=True)
        case, days = cases[pupils], absences[pupils]
        whole_year = open_days[rows[first]] > 0
        counts.update({f"pupils.{name}": int(whole_year.sum()), f"cases.{name}": int(case.sum())})
        counts[f"new.{name}"] += int((case & ~this.was_case[pupils]).sum())
        counts[f"severe.{name}"] += int((case & (days >= _SEVERE_DAYS)).sum())
        counts[f"hardly.{name}"] += int((case & (attended[pupils] <= _HARDLY_ATTENDED)).sum())
        counts[f"other.{name}"] += int((~case & (days >= CASE_DAYS)).sum())
        counts[f"ordinary_days.{name}"] += int(days[~case].sum())
        counts[f"ordinary.{name}"] += int((~case).sum())
        counts[f"never_absent.{name}"] += int((days == 0).sum())
        counts[f"middle.{name}"] += int(((days >= 15) & (days < CASE_DAYS)).sum())
        counts[f"influenza.{name}"] += int(this.days.flu[rows].any(axis=1).sum())
    _count_kinds(city, year, counts)
    _count_labels(city, year, counts)
    return counts


def figures(counts: Counter[str], settings: Settings) -> list[Figure]:
    """The table of published and simulated figures."""
    target = settings.nonattendance
    from_settings = {
        "rate elementary": target.target[0],
        "rate junior high": target.target[1],
        "new elementary": target.target_new[0],
        "new junior high": target.target_new[1],
        "sudden": target.mix[0],
        "gradual": target.mix[1],
        "slow": target.mix[2],
    }
    return [
        Figure(
            name,
            from_settings[published] if isinstance(published, str) else published,
            _ratio(counts, part, whole),
            source,
            matched,
        )
        for name, published, part, whole, source, matched in _TABLE
    ]


def _ratio(counts: Counter[str], part: str, whole: str) -> float:
    """Quotient of two counts; a name without a level means both levels together."""
    above, below = (
        counts[name] if name in counts else sum(counts[f"{name}.{level}"] for level in _LEVELS)
        for name in (part, whole)
    )
    return above / max(1, below)


def table(rows: Iterable[Figure]) -> str:
    """The figures as text."""
    lines = [f"{'figure':<44}{'published':>10}{'simulated':>11}{'deviation':>11}  source"]
    for row in rows:
        published = "–" if row.published is None else f"{row.published:.4f}"
        deviation = "–" if row.deviation is None else f"{row.deviation:+.1%}"
        note = "" if row.matched else " (not asserted)"
        lines.append(
            f"{row.name:<44}{published:>10}{row.simulated:>11.4f}{deviation:>11}  {row.source}{note}"
        )
    return "\n".join(lines)


def calibrate(settings: Settings, seeds: Iterable[int], years: tuple[int, ...]) -> Counter[str]:
    """Pooled counts of cities with the given seeds; each city's first year only warms it up."""
    counts: Counter[str] = Counter()
    for seed in seeds:
        city = build_city(replace(settings, seed=seed), years)
        for year in years[1:]:
            counts += count_year(city, year)
    return counts


def _attended(city: City, year: int) -> NDArray[np.int64]:
    """Days present of each pupil, int [pupil]."""
    this = city.years[year]
    total = np.zeros(len(this.was_case), dtype=np.int64)
    np.add.at(total, this.roster.pupil, (this.days.status == Code.present).sum(axis=1))
    return total


def _count_kinds(city: City, year: int, counts: Counter[str]) -> None:
    this = city.years[year]
    cases = this.cases() & ~this.was_case
    for kind, name in _NEW_KINDS.items():
        found = int(cases[this.courses.pupil[this.courses.kind == kind]].sum())
        counts.update({f"kind.{name}": found, "kinds": found})


def _count_labels(city: City, year: int, counts: Counter[str]) -> None:
    """First long absences by month, and how many of them the five highest totals per school name."""
    this = city.years[year]
    labels = first_long_absence(this)
    for month in labels[labels > 0].tolist():
        counts[f"first_label.{month}"] += 1
    for level, name in enumerate(_LEVELS):
        hit, every = recall_of_total(this, labels, junior=bool(level), budget=5)
        counts[f"named_cases.{name}"] += hit
        counts[f"labels.{name}"] += every
