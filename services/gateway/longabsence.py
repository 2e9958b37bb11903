"""長期欠席 by the rule of 2021 (Toda): ≥ 10 absences in a month, or ≥ 30 in the school year so far (病欠 + 事故欠)."""

from collections.abc import Mapping
from datetime import date

from contracts.codes import LongAbsence

MONTH_LIMIT = 10
YEAR_LIMIT = 30


def standing(absent: Mapping[date, int], month: date) -> bool:
    """Whether it began in a month before ``month``; ``absent`` by first of month, this school year only."""
    earlier = [count for each, count in absent.items() if each < month]
    return any(count >= MONTH_LIMIT for count in earlier) or sum(earlier) >= YEAR_LIMIT


def status(absent: Mapping[date, int], month: date, moved_in: bool) -> LongAbsence:
    """Where the child stands in ``month``; for one who moved in, what came before is unknown, not none."""
    if standing(absent, month):
        return LongAbsence.standing
    so_far = sum(count for each, count in absent.items() if each <= month)
    if absent.get(month, 0) >= MONTH_LIMIT or so_far >= YEAR_LIMIT:
        return LongAbsence.new
    return LongAbsence.unknown if moved_in else LongAbsence.none
