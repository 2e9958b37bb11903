"""A lane's share of the class tally: absolute counts of its own children per school and day.

Nothing is told before the day has settled or closed: half a morning says nothing true of a class.
From then on every change is.
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
    """One school and day. ``classes``: class → (counted, absent, late) of children whose day is known.

    ``absentees``: who is absent, so that a tally finds whom it concerns. ``told``: the counts have
    been told as they stand. ``version`` (the sum of the marks' coarse versions) only grows.
    """

    classes: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    absentees: set[str] = field(default_factory=set)
    version: int = 0
    told: bool = True

    def copy(self) -> "OwnDay":
        """A copy to change."""
        return OwnDay(self.classes.copy(), self.absentees.copy(), self.version, self.told)

    def count(self, linkage_id: str, class_id: str, status: int, flags: int, by: int) -> None:
        """Put a child's day in (``by`` 1) or take it out (-1)."""
        absent = status in (_SICK, _OTHER)
        if not class_id or not (absent or status == _PRESENT):
            return
        counted, absentees, late = self.classes.get(class_id, (0, 0, 0))
        self.told = False
        if absent:
            self.classes[class_id] = (counted + by, absentees + by, late)
            (self.absentees.add if by > 0 else self.absentees.discard)(linkage_id)
        else:
            self.classes[class_id] = (counted + by, absentees, late + by if flags & LATE else late)

    def tallies(self) -> list[ClassTally]:
        """The counts as they travel; a class that nobody is left in stays, with zeros."""
        return [ClassTally(class_id, *counts) for class_id, counts in sorted(self.classes.items())]
