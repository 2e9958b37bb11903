"""Hits, budget and silence counted by hand."""

import numpy as np
import pytest

from evaluation.naming import NEVER, SILENT_DAYS, Namings, judge, name_daily, name_monthly

MAY = np.full(30, 5)
ONE_SCHOOL = np.zeros(8, dtype=int)


def test_at_most_five_a_month_highest_first() -> None:
    scores = np.full((8, 30), -np.inf)
    scores[:, 3] = np.arange(8)
    found = name_daily(scores, ONE_SCHOOL, MAY)
    assert found.pupil.tolist() == [7, 6, 5, 4, 3]
    assert set(found.day.tolist()) == {3}


def test_ties_go_to_the_first_pupil() -> None:
    found = name_daily(np.zeros((8, 1)), ONE_SCHOOL, MAY[:1])
    assert found.pupil.tolist() == [0, 1, 2, 3, 4]


def test_silent_after_a_naming_then_named_again_at_cost() -> None:
    scores = np.full((8, 60), -np.inf)
    scores[0] = 1.0
    found = name_daily(scores, ONE_SCHOOL, np.repeat([5, 6], 30))
    assert found.day.tolist() == [0, SILENT_DAYS + 1, 2 * SILENT_DAYS + 2]


def test_months_out_of_the_protocol_name_nobody() -> None:
    assert len(name_daily(np.ones((8, 3)), ONE_SCHOOL, np.array([4, 8, 9]))) == 0


def test_schools_have_budgets_of_their_own() -> None:
    found = name_daily(np.ones((8, 1)), np.array([0, 0, 0, 0, 0, 0, 1, 1]), MAY[:1])
    assert len(found) == 7


def test_monthly_list_is_known_the_evening_before() -> None:
    scores = np.tile(np.arange(8.0)[:, None], (1, 6))
    found = name_monthly(scores, ONE_SCHOOL, np.array([4, 4, 5, 5, 6, 6]))
    assert sorted(set(found.day.tolist())) == [1, 3]
    assert found.pupil.tolist()[:5] == [7, 6, 5, 4, 3]


@pytest.mark.parametrize(
    ("day", "recall", "precision"),
    [
        (20, (1.0, 1.0), 1.0),
        (25, (1.0, 1.0), 1.0),
        (30, (1.0, 0.0), 1.0),
        (31, (0.0, 0.0), 0.0),
        (35, (0.0, 0.0), 0.0),
    ],
)
def test_lead(day: int, recall: tuple[float, float], precision: float) -> None:
    """Crossing on school day 35: at least 5 and 10 days before it."""
    crossed = np.array([35, NEVER])
    verdict = judge(Namings(np.array([0]), np.array([day])), crossed, np.full(60, 6), np.ones(2, bool))
    assert verdict.recall == recall
    assert verdict.precision == precision
    assert verdict.cases == 1


def test_a_naming_more_than_forty_days_ahead_is_no_hit() -> None:
    verdict = judge(Namings(np.array([0]), np.array([10])), np.array([51]), np.full(60, 6), np.ones(1, bool))
    assert verdict.recall == (0.0, 0.0)


def test_cases_out_of_the_group_or_the_months_do_not_count() -> None:
    month = np.array([8] * 10 + [10] * 10)
    crossed = np.array([5, 15, 16])
    verdict = judge(Namings(np.array([2]), np.array([8])), crossed, month, np.array([True, True, False]))
    assert (verdict.cases, verdict.named) == (1, 0)
