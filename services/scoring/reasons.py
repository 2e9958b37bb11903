"""From evidence to reasons: one observable fact with its dates, and the rules it speaks for.

Without an attendance fact there is no reason, and without a reason no band. The basis ``attendance`` sees
attendance evidence only; ``combined`` adds infirmary counts and surveys, never alone.
"""

from collections.abc import Sequence

from contracts.codes import Item, Rule
from contracts.features import (
    AttendanceEvidence,
    CumulativeEvidence,
    Evidence,
    InfirmaryEvidence,
    LatenessEvidence,
    MonthEvidence,
    StreakEvidence,
    SurveyEvidence,
    WeekdayEvidence,
    WindowEvidence,
)
from contracts.risk import Reason
from services.scoring.rules import BIT

#: Which rules a kind of evidence speaks for, in the order in which reasons are told.
_SPEAKS_FOR: dict[type, tuple[Rule, ...]] = {
    StreakEvidence: (Rule.streak_7, Rule.streak_3),
    MonthEvidence: (Rule.rate_doubled, Rule.first_20_days),
    WindowEvidence: (Rule.three_in_20, Rule.four_in_45),
    WeekdayEvidence: (Rule.weekday,),
    LatenessEvidence: (Rule.lateness,),
    CumulativeEvidence: (Rule.rate_10, Rule.last_year),
}
_BITS = {kind: [(rule, BIT[rule]) for rule in rules] for kind, rules in _SPEAKS_FOR.items()}
_ORDER = {kind: position for position, kind in enumerate(_SPEAKS_FOR)}
_MIN_VISITS = 2


def attendance_reasons(evidence: Sequence[AttendanceEvidence], fired: int) -> list[Reason]:
    """Reasons of the basis ``attendance``; ``fired`` are the rules of the as-of day.

    Where no rule fired (the model decided, or a band is still held), the first fact with an absence is told.
    """
    ordered = sorted(evidence, key=_place) if len(evidence) > 1 else evidence
    found = [Reason(Item.attendance, rules, each) for each in ordered if (rules := _rules_for(each, fired))]
    if found:
        return found
    return [Reason(Item.attendance, [], each) for each in ordered if _is_observable(each)][:2]


def added_reasons(evidence: Sequence[InfirmaryEvidence | SurveyEvidence]) -> list[Reason]:
    """What the combined basis adds to attendance reasons: visits that grew, answers that fell."""
    return [_added(each) for each in evidence if _speaks(each)]


def _place(evidence: AttendanceEvidence) -> int:
    return _ORDER[type(evidence)]


def _rules_for(evidence: Evidence, fired: int) -> list[Rule]:
    if not _is_observable(evidence):
        return []
    return [rule for rule, bit in _BITS[type(evidence)] if fired & bit]


def _is_observable(evidence: Evidence) -> bool:
    if isinstance(evidence, CumulativeEvidence):
        return evidence.year_absent > 0
    return bool(getattr(evidence, "dates", ()))


def _speaks(evidence: InfirmaryEvidence | SurveyEvidence) -> bool:
    if isinstance(evidence, InfirmaryEvidence):
        return len(evidence.dates) >= _MIN_VISITS
    fell = (
        evidence.latest_positive * evidence.previous_asked
        < evidence.previous_positive * evidence.latest_asked
    )
    return evidence.latest_asked > 0 and fell


def _added(evidence: InfirmaryEvidence | SurveyEvidence) -> Reason:
    item = Item.infirmary_count if isinstance(evidence, InfirmaryEvidence) else Item.survey
    return Reason(item, [], evidence)
