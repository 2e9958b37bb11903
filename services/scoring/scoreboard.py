"""The live comparison: model, each rule, the rules' band and order by total, side by side on matured labels.

A day of a school is judged once its outcome is known for everybody: rows of pupils who crossed the line mature
early and wait for it. Days whose outcome never becomes known (the last forty of a school year) are left out,
and so are crossings that fall into them.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from msgspec import Struct, field

from contracts.codes import Band, Rule
from services.scoring.naming import JUDGED_MONTHS, LEADS, Namer, Tally
from services.scoring.rules import BIT, RULES

MODEL = "model"
RULE_BAND = "rule-band"
TOTAL = "total"
#: Thresholds (log-odds) that are tried side by side; the best on days past becomes the next naming threshold.
GRID: tuple[float, ...] = tuple(step / 4 for step in range(-16, 1))
METHODS: tuple[str, ...] = (MODEL, *(rule.value.replace("_", "-") for rule in RULES), RULE_BAND, TOTAL)
_LIST_SIZE = 5
_YEARS_KEPT = 2


class Candidate(Struct, array_like=True, gc=False):
    """One pupil on one school day, as known then. ``log_odds`` and ``margin`` (above the naming threshold of

    that day's model) are None where no model had learned enough yet; ``crossed`` is 0 for never.
    """

    linkage_id: str
    label: bool
    crossed: int
    fired: int
    pace: float
    enter: int
    total: float
    log_odds: float | None = None
    margin: float | None = None


class Case(Struct):
    """A pupil who crossed the line: when, whether a model was there, and on which day each way first named in time."""

    crossed: int
    contested: bool
    named_on: dict[str, int] = field(default_factory=dict)


class School(Struct):
    """One school's namers and open cases. ``frontier`` is the newest day judged (proleptic ordinal).

    ``days`` are the school days judged this school year; ``highest`` are total, pupil and label of the day before.
    """

    frontier: int = 0
    days: list[int] = field(default_factory=list)
    pending: dict[int, list[Candidate]] = field(default_factory=dict)
    cases: dict[str, Case] = field(default_factory=dict)
    namers: dict[str, Namer] = field(default_factory=dict)
    month: int = 0
    contested_before: bool = False
    highest: list[tuple[float, str, bool]] = field(default_factory=list)


class Board(Struct):
    """All schools; tallies are by school year and way of naming, ``contested`` where a model was there."""

    schools: dict[str, School] = field(default_factory=dict)
    tallies: dict[int, dict[str, Tally]] = field(default_factory=dict)
    contested: dict[int, dict[str, Tally]] = field(default_factory=dict)
    late: int = 0

    # --- taking up ---

    def take(self, rows: dict[str, dict[int, list[Candidate]]], known_to: dict[str, int]) -> None:
        """Take up the rows of a close, by school and as-of day, and judge what is complete.

        Args:
            known_to: newest day of each school whose outcome is now known for those who did not cross.
        """
        for name in sorted(rows.keys() | known_to.keys()):
            school = self.schools.setdefault(name, School())
            for day, candidates in rows.get(name, {}).items():
                if day <= school.frontier:
                    self.late += len(candidates)
                else:
                    school.pending.setdefault(day, []).extend(candidates)
            self._advance(school, known_to.get(name, 0))

    def _advance(self, school: School, frontier: int) -> None:
        if frontier <= school.frontier:
            return
        if school_year(frontier) != school_year(school.frontier):
            _forget_before(school, date(school_year(frontier), 4, 1).toordinal())
        for day in sorted(day for day in school.pending if day <= frontier):
            self._judge(school, day, school.pending.pop(day))
        school.frontier = frontier
        self._finish_cases(school)
        for year in sorted(self.tallies)[:-_YEARS_KEPT]:
            del self.tallies[year]
            self.contested.pop(year, None)

    # --- one school day ---

    def _judge(self, school: School, day: int, candidates: Sequence[Candidate]) -> None:
        by_id = {candidate.linkage_id: candidate for candidate in candidates}
        contested = any(candidate.margin is not None for candidate in candidates)
        for candidate in candidates:
            if candidate.crossed and candidate.linkage_id not in school.cases:
                school.cases[candidate.linkage_id] = Case(candidate.crossed, contested)
        school.days.append(day)
        self._name_list(school, day)
        index, month = len(school.days) - 1, date.fromordinal(day).month
        for method, score in _WAYS:
            scored = [(s, c.linkage_id) for c in candidates if (s := score(c)) is not None]
            namer = school.namers.setdefault(method, Namer())
            for pupil in namer.name(index, month, scored):
                self._count(school, method, day, by_id[pupil].label, pupil, contested)
        school.month, school.contested_before = month, contested
        ranked = sorted(((c.total, c.linkage_id, c.label) for c in candidates), key=lambda c: (-c[0], c[1]))
        school.highest = ranked[:_LIST_SIZE]

    def _name_list(self, school: School, day: int) -> None:
        """The monthly list by total absences, known the evening before the month begins."""
        month = date.fromordinal(day).month
        if month == school.month or not school.highest:
            return
        namer = school.namers.setdefault(TOTAL, Namer())
        labels = {pupil: label for _, pupil, label in school.highest}
        listed = [(total, pupil) for total, pupil, _ in school.highest]
        for pupil in namer.name(len(school.days) - 2, month, listed, fresh_month=True):
            self._count(school, TOTAL, school.days[-2], labels[pupil], pupil, school.contested_before)

    def _count(
        self, school: School, method: str, day: int, correct: bool, pupil: str, contested: bool
    ) -> None:
        for tally in self._tallies(day, method, contested):
            tally.named += 1
            tally.correct += correct
        if correct and pupil in school.cases:
            school.cases[pupil].named_on.setdefault(method, day)

    def _finish_cases(self, school: School) -> None:
        """A case is counted when every day on which it could have been named has been judged."""
        for pupil in [pupil for pupil, case in school.cases.items() if case.crossed <= school.frontier]:
            case = school.cases.pop(pupil)
            if date.fromordinal(case.crossed).month in JUDGED_MONTHS:
                for method in _ALL:
                    hits = _hits(school.days, case, method)
                    for tally in self._tallies(case.crossed, method, case.contested):
                        tally.cases += 1
                        tally.hits = [total + hit for total, hit in zip(tally.hits, hits, strict=True)]

    def _tallies(self, day: int, method: str, contested: bool) -> list[Tally]:
        year = school_year(day)
        chosen = [self.tallies, self.contested] if contested else [self.tallies]
        return [by_year.setdefault(year, {}).setdefault(method, Tally()) for by_year in chosen]

    # --- reading off ---

    def total(self, method: str, contested: bool = False) -> Tally:
        """A way of naming over the school years kept."""
        found = Tally()
        for by_method in (self.contested if contested else self.tallies).values():
            found.add(by_method.get(method, Tally()))
        return found

    def forget(self, linkage_ids: Iterable[str]) -> None:
        """Erase pupils; what they contributed to sums stays."""
        gone = set(linkage_ids)
        for school in self.schools.values():
            school.cases = {pupil: case for pupil, case in school.cases.items() if pupil not in gone}
            school.highest = [entry for entry in school.highest if entry[1] not in gone]
            school.pending = {
                day: [c for c in candidates if c.linkage_id not in gone]
                for day, candidates in school.pending.items()
            }
            for namer in school.namers.values():
                namer.until = {pupil: last for pupil, last in namer.until.items() if pupil not in gone}


def _hits(days: Sequence[int], case: Case, method: str) -> list[bool]:
    """Whether the first naming in time lies far enough ahead, for each lead of :data:`LEADS`."""
    named_on = case.named_on.get(method)
    if named_on is None:
        return [False] * len(LEADS)
    lead = bisect_left(days, case.crossed) - bisect_left(days, named_on)
    return [lead >= least for least in LEADS]


def school_year(day: int) -> int:
    """School year of a date given as proleptic ordinal; 0 for 0."""
    if day == 0:
        return 0
    found = date.fromordinal(day)
    return found.year - (found.month < 4)


def _forget_before(school: School, first: int) -> None:
    """Days and cases of the year before that can no longer become complete."""
    school.pending = {day: rows for day, rows in school.pending.items() if day >= first}
    school.cases = {pupil: case for pupil, case in school.cases.items() if case.crossed >= first}
    school.namers, school.highest, school.month, school.days = {}, [], 0, []


def grid_method(threshold: float) -> str:
    """Name under which a threshold of the grid is tallied; never published."""
    return f"at{threshold:+.2f}"


Way = tuple[str, Callable[[Candidate], float | None]]


def _by_rule(rule: Rule) -> Callable[[Candidate], float | None]:
    bit = BIT[rule]
    return lambda c: c.total + c.pace / 100 if c.fired & bit else None


def _by_threshold(threshold: float) -> Callable[[Candidate], float | None]:
    return lambda c: c.log_odds if c.log_odds is not None and c.log_odds >= threshold else None


#: Daily ways of naming: who may be named, and in which order.
_WAYS: tuple[Way, ...] = (
    (MODEL, lambda c: c.margin if c.margin is not None and c.margin >= 0 else None),
    *((rule.value.replace("_", "-"), _by_rule(rule)) for rule in RULES),
    (RULE_BAND, lambda c: c.pace if c.enter >= Band.check else None),
    *((grid_method(threshold), _by_threshold(threshold)) for threshold in GRID),
)
_ALL: tuple[str, ...] = (*(name for name, _ in _WAYS), TOTAL)
