"""Which rules fire, and which level the rules give."""

import numpy as np
import pytest

from contracts.codes import Band, Rule
from services.scoring import rules
from tests.unit.scoring.builders import absent_days, matrix, values

CASES = [
    ("nothing", {}, set()),
    ("two in a row", {"streak": 2, "absent_20": 2, "absent_30": 2}, set()),
    ("three in a row", {"streak": 3, "absent_20": 3, "absent_30": 3}, {Rule.streak_3, Rule.three_in_20}),
    ("seven in a row", {"streak": 7}, {Rule.streak_3, Rule.streak_7}),
    ("three in twenty", {"absent_20": 3, "absent_30": 3}, {Rule.three_in_20}),
    ("four in forty-five", {"absent_30": 4}, {Rule.four_in_45}),
    ("ten per cent", {"year_absent": 8, "year_counted": 80}, {Rule.rate_10}),
    ("ten per cent of too few days", {"year_absent": 2, "year_counted": 10}, set()),
    (
        "twice last month",
        {"month_absent": 3, "month_counted": 10, "last_month_sick_rate": 0.1, "last_month_other_rate": 0.05},
        {Rule.rate_doubled},
    ),
    (
        "not twice last month",
        {"month_absent": 3, "month_counted": 10, "last_month_sick_rate": 0.1, "last_month_other_rate": 0.06},
        set(),
    ),
    (
        "first days of the year",
        {"year_day": 18, "year_absent": 3, "year_counted": 18},
        {Rule.first_20_days, Rule.rate_10},
    ),
    ("last year's rate", {"last_year_rate": 0.12}, {Rule.last_year}),
    ("last year's thirty days", {"last_year_absent": 30}, {Rule.last_year}),
    ("Mondays", {"weekday_share_60": 0.75, "absent_60": 4}, {Rule.weekday}),
    ("lateness", {"late_10": 3, "late_trend": 0.2}, {Rule.lateness}),
    ("lateness as ever", {"late_10": 3, "late_trend": 0.0}, set()),
    ("influenza only", {"last_month_suspended_rate": 0.25, "counted_20": 15}, set()),
]


@pytest.mark.parametrize(("what", "given", "expected"), CASES, ids=[case[0] for case in CASES])
def test_rule_fires(what: str, given: dict[str, float], expected: set[Rule]) -> None:
    bits = rules.fired(matrix(values(**given)))
    assert set(rules.rules_of(int(bits[0]))) == expected


def test_unknown_numbers_fire_nothing() -> None:
    nothing_known = matrix([None] * len(values()))
    found = rules.score(nothing_known)
    assert found.fired[0] == 0
    assert found.pace[0] == 0
    assert found.enter[0] == found.stay[0] == 0


LEVELS = [
    ("quiet", values(), Band.none),
    ("one sick day", absent_days(1), Band.none),
    ("three days in a row", absent_days(3), Band.check),
    ("seven days in a row", absent_days(7, streak=7), Band.soon),
    (
        "three scattered days",
        values(absent_10=1, absent_20=3, absent_30=3, absent_60=3, year_absent=3),
        Band.none,
    ),
    (
        "a growing share",
        values(absent_5=2, absent_10=3, absent_20=4, absent_30=4, absent_60=4, month_absent=4, year_absent=5),
        Band.watch,
    ),
    (
        "close to ten this month",
        values(absent_5=3, absent_10=6, absent_20=8, absent_30=8, absent_60=8, month_absent=8, year_absent=9),
        Band.soon,
    ),
]


@pytest.mark.parametrize(("what", "numbers", "level"), LEVELS, ids=[case[0] for case in LEVELS])
def test_level_of_the_rules(what: str, numbers: list[float | None], level: Band) -> None:
    found = rules.score(matrix(numbers))
    assert Band(int(found.enter[0])) is level
    assert found.stay[0] >= found.enter[0]


def test_pace_is_one_where_the_line_is_just_reached() -> None:
    """Half of the days away, ten days left and five absences missing: the line is reached on the last day."""
    numbers = values(
        absent_5=2.5,
        absent_10=5,
        absent_20=10,
        absent_30=10,
        absent_60=10,
        month_absent=5,
        month_days_left=10,
        year_absent=5,
    )
    assert rules.pace(matrix(numbers))[0] == pytest.approx(1.0)


def test_levels_follow_from_what_a_record_keeps() -> None:
    rows = matrix(*(absent_days(n) for n in range(12)), values(late_10=4, late_trend=0.3))
    found = rules.score(rows)
    enter, stay = rules.levels(found.fired, found.pace)
    np.testing.assert_array_equal(enter, found.enter)
    np.testing.assert_array_equal(stay, found.stay)


def test_place_grows_with_pace_and_stays_a_share() -> None:
    places = [rules.place(pace) for pace in (0.0, 0.4, 1.0, 2.0, 50.0)]
    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] < 1_000_000
