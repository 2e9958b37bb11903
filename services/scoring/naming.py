"""Naming under a budget, day by day: at most five pupils per school and month, silent for a while after a naming.

The same counting as the published table (docs/services/scoring.md): naming somebody again next month costs
again, unused names lapse, pupils already long-absent are out. Kept as plain counters so that a learner's
state can be packed and go on after a restart.
"""

from collections.abc import Iterable

from msgspec import Struct, field

#: Names per school and calendar month.
BUDGET = 5
#: School days after a naming on which the same pupil is not named again.
SILENT_DAYS = 25
#: A naming counts if it lies this many school days before the completed absence.
LEADS = (5, 10)
HORIZON_DAYS = 40
#: Months in which names are judged (the published protocol).
JUDGED_MONTHS = frozenset({5, 6, 7, 10, 11, 12, 1, 2, 3})


class Namer(Struct):
    """One way of naming in one school. ``until`` is the last silent day (index) of each named pupil."""

    month: int = 0
    left: int = BUDGET
    until: dict[str, int] = field(default_factory=dict)

    def name(
        self, day: int, month: int, candidates: Iterable[tuple[float, str]], fresh_month: bool = False
    ) -> list[str]:
        """Pupils named on the evening of a school day.

        Args:
            day: index of the school day.
            month: calendar month that pays for the names.
            candidates: (score, linkage id) of those who may be named; greater scores first, ties by id.
            fresh_month: names are given for the month as a whole: nobody is silent.
        """
        if month != self.month:
            self.month, self.left = month, BUDGET
            self.until = {pupil: last for pupil, last in self.until.items() if last >= day}
        if self.left == 0 or month not in JUDGED_MONTHS:
            return []
        free = [c for c in candidates if fresh_month or self.until.get(c[1], -1) < day]
        chosen = [pupil for _, pupil in sorted(free, key=lambda c: (-c[0], c[1]))[: self.left]]
        self.left -= len(chosen)
        self.until.update(dict.fromkeys(chosen, day + SILENT_DAYS))
        return chosen


class Tally(Struct):
    """What one way of naming achieved. ``hits`` are cases named at the leads of :data:`LEADS`."""

    named: int = 0
    correct: int = 0
    cases: int = 0
    hits: list[int] = field(default_factory=lambda: [0, 0])

    def recall(self, lead: int) -> float | None:
        """Share of the cases named at least ``lead`` school days before; None without a case."""
        return self.hits[LEADS.index(lead)] / self.cases if self.cases else None

    def precision(self) -> float | None:
        """Share of namings that came true 5 to 40 school days later; None without a naming."""
        return self.correct / self.named if self.named else None

    def add(self, other: "Tally") -> None:
        """Add another period."""
        self.named += other.named
        self.correct += other.correct
        self.cases += other.cases
        self.hits = [a + b for a, b in zip(self.hits, other.hits, strict=True)]
