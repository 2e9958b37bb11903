"""長期欠席 by the versioned rule of this installation, from months' absences (病欠 + 事故欠).

``toda_2021``: ≥ 10 in a month, or ≥ 30 in the school year so far. ``national_2015``: ≥ 30 in the school year.
The rule is the setting that features reads, so that screens and alerts speak of the same children.
"""

from collections.abc import Mapping
from datetime import date

from contracts.codes import LongAbsence, LongAbsenceRule

_NEVER = 32  # no month is that long
_MONTH_LIMITS = {LongAbsenceRule.toda_2021: 10, LongAbsenceRule.national_2015: _NEVER}
_YEAR_LIMIT = 30


def least(rule: LongAbsenceRule) -> int:
    """With fewer absences in the school year nobody is in long absence."""
    return min(_MONTH_LIMITS[rule], _YEAR_LIMIT)


def standing(absent: Mapping[date, int], month: date, rule: LongAbsenceRule) -> bool:
    """Whether it began in a month before ``month``; ``absent`` by first of month, this school year only."""
    earlier = [count for each, count in absent.items() if each < month]
    return any(count >= _MONTH_LIMITS[rule] for count in earlier) or sum(earlier) >= _YEAR_LIMIT


def status(absent: Mapping[date, int], month: date, moved_in: bool, rule: LongAbsenceRule) -> LongAbsence:
    """Where the child stands in ``month``; for one who moved in, what came before is unknown, not none."""
    if standing(absent, month, rule):
        return LongAbsence.standing
    so_far = sum(count for each, count in absent.items() if each <= month)
    if absent.get(month, 0) >= _MONTH_LIMITS[rule] or so_far >= _YEAR_LIMIT:
        return LongAbsence.new
    return LongAbsence.unknown if moved_in else LongAbsence.none
