"""From evidence to reasons: facts first, rules beside them, other items only where they may be."""

from contracts.codes import Item, Rule
from contracts.features import (
    CumulativeEvidence,
    InfirmaryEvidence,
    LatenessEvidence,
    SurveyEvidence,
    SurveyKind,
    WeekdayEvidence,
)
from services.scoring.reasons import added_reasons, attendance_reasons
from services.scoring.rules import BIT
from tests.unit.scoring.builders import day_of, streak_evidence, window_evidence


def test_each_fact_carries_the_rules_it_speaks_for() -> None:
    evidence = [window_evidence(60, 4), streak_evidence(60)]
    fired = BIT[Rule.streak_3] | BIT[Rule.three_in_20] | BIT[Rule.rate_10]
    found = attendance_reasons(evidence, fired)
    assert [(reason.item, reason.rules) for reason in found] == [
        (Item.attendance, [Rule.streak_3]),
        (Item.attendance, [Rule.three_in_20]),
    ]


def test_facts_without_a_fired_rule_stay_out_beside_those_with_one() -> None:
    late = LatenessEvidence(day_of(50), day_of(60), [day_of(n) for n in (52, 55, 60)], 1)
    found = attendance_reasons([late, streak_evidence(60)], BIT[Rule.streak_3])
    assert [reason.evidence.__class__.__name__ for reason in found] == ["StreakEvidence"]


def test_a_held_band_still_tells_its_fact() -> None:
    found = attendance_reasons([CumulativeEvidence(5, 5, 0, 80, None), window_evidence(60, 2)], 0)
    assert found[0].evidence == window_evidence(60, 2)
    assert found[0].rules == []


def test_nothing_observable_is_no_reason() -> None:
    empty = WeekdayEvidence(0, 6, day_of(1), day_of(50), [], 20, 0)
    assert attendance_reasons([empty, CumulativeEvidence(0, 0, 0, 80, None)], BIT[Rule.weekday]) == []
    assert attendance_reasons([], BIT[Rule.last_year]) == []


def test_added_items_speak_only_when_something_changed() -> None:
    visits = InfirmaryEvidence(day_of(40), day_of(60), [day_of(n) for n in (41, 50, 60)], 0)
    fewer = SurveyEvidence(SurveyKind.lesson, day_of(1), 7, 9, day_of(60), 3, 9)
    same = SurveyEvidence(SurveyKind.lesson, day_of(1), 7, 9, day_of(60), 7, 9)
    unanswered = SurveyEvidence(SurveyKind.lesson, day_of(1), 7, 9, day_of(60), 0, 0)
    one_visit = InfirmaryEvidence(day_of(40), day_of(60), [day_of(60)], 0)
    found = added_reasons([visits, fewer, same, unanswered, one_visit])
    assert [(reason.item, reason.evidence) for reason in found] == [
        (Item.infirmary_count, visits),
        (Item.survey, fewer),
    ]
