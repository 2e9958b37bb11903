"""A lane's share of the class tally: absolute counts of its own children per school and day.

A count is told when somebody's absence changed, and every change once the day has settled or
closed; before that a present child alone tells nothing, or a morning would be all tallies.
"""

from dataclasses import dataclass, field

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from contracts.facts import ClassTally

# Plain integers: these run once per mark, and arithmetic on enumerations is ten times slower.
_PRESENT, _SICK, _OTHER = int(Code.present), int(Code.sick), int(Code.other)
LATE = int(Flag.late)


@dataclass(slots=True)
class OwnDay:
    """One school and day. ``classes``: class → [counted, absent, late] of children whose day is known.

    ``absentees``: who is absent, so that a tally finds whom it concerns. ``told``: the counts have
    been told as they stand. ``version`` (the sum of the marks' coarse versions) only grows.
    """

    classes: dict[str, list[int]] = field(default_factory=dict)
    absentees: set[str] = field(default_factory=set)
    version: int = 0
    told: bool = True

    def copy(self) -> "OwnDay":
        """A copy to change."""
        classes = {class_id: list(counts) for class_id, counts in self.classes.items()}
        return OwnDay(classes, set(self.absentees), self.version, self.told)

    def count(self, linkage_id: str, class_id: str, status: int, flags: int, by: int) -> bool:
        """Put a child's day in (``by`` 1) or take it out (-1); says whether that changed an absence."""
        absent = status in (_SICK, _OTHER)
        if not class_id or not (absent or status == _PRESENT):
            return False
        counts = self.classes.get(class_id)
        if counts is None:
            counts = self.classes[class_id] = [0, 0, 0]
        counts[0] += by
        self.told = False
        if not absent:
            if flags & LATE:
                counts[2] += by
            return False
        counts[1] += by
        if by > 0:
            self.absentees.add(linkage_id)
        else:
            self.absentees.discard(linkage_id)
        return True

    def tallies(self) -> list[ClassTally]:
        """The counts as they travel; a class that nobody is left in stays, with zeros."""
        return [ClassTally(class_id, *counts) for class_id, counts in sorted(self.classes.items())]
