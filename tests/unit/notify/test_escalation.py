"""School days, not hours; day by day, however they are confirmed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import StaffRole
from services.notify.escalation import climb
from services.notify.routing import Post
from services.notify.rows import Row
from tests.unit.notify.samples import AS_OF, LADDER, assessed, name_of, post, school, step

R = StaffRole
ABSENT = assessed()


def day(number: int) -> date:
    """So many days after the alert was told."""
    return AS_OF + timedelta(days=number)


def told(posts: list[Post]) -> Row:
    at = school(posts=posts)
    step(at, ABSENT)
    return at.rows[name_of()]


def roles(posts: list[Post], days: list[date], unseen_days: int = 2) -> list[list[StaffRole]]:
    _, climbs = climb(told(posts), ABSENT, posts, "direct", days, unseen_days)
    return [[recipient.role for recipient in each.recipients] for each in climbs]


@pytest.mark.parametrize(
    ("days", "reached"),
    [
        ([], []),
        ([0], []),
        ([-3, -2, -1, 0], []),
        ([1], []),
        ([1, 2], [[R.vice_principal]]),
        ([5, 9], [[R.vice_principal]]),
        ([1, 2, 3], [[R.vice_principal]]),
        ([1, 2, 3, 4], [[R.vice_principal], [R.principal]]),
        ([1, 2, 3, 4, 5, 6, 7, 8], [[R.vice_principal], [R.principal]]),
    ],
)
def test_two_school_days_unseen_are_one_step(days: list[int], reached: list[list[StaffRole]]) -> None:
    assert roles(LADDER, [day(n) for n in days]) == reached


def test_the_wait_is_a_setting() -> None:
    assert roles(LADDER, [day(1)], unseen_days=1) == [[R.vice_principal]]
    assert roles(LADDER, [day(1), day(2)], unseen_days=3) == []


def test_from_the_teacher_alone_it_climbs_every_post() -> None:
    homeroom, _, vice, principal = LADDER
    starts_later = post(R.grade_head, valid_from=day(2))
    posts = [homeroom, starts_later, vice, principal]
    assert roles(posts, [day(n) for n in range(1, 7)]) == [[R.grade_head], [R.vice_principal], [R.principal]]


def test_where_nobody_holds_a_higher_post_it_waits_and_climbs_at_once_when_somebody_does() -> None:
    homeroom, head, _, _ = LADDER
    late = post(R.vice_principal, valid_from=day(5))
    assert roles([homeroom, head], [day(n) for n in range(1, 5)]) == []
    row, climbs = climb(
        told([homeroom, head]), ABSENT, [homeroom, head, late], "direct", [day(n) for n in range(1, 6)], 2
    )
    assert [each.step for each in climbs] == [1]
    assert row.told_on == day(5)


@given(st.sets(st.integers(1, 30), max_size=15), st.data())
def test_a_week_confirmed_at_once_ends_where_day_by_day_does(numbers: set[int], data: st.DataObject) -> None:
    days = sorted(day(n) for n in numbers)
    at_once, climbs = climb(told(LADDER), ABSENT, LADDER, "direct", days, 2)
    row, steps = told(LADDER), []
    for last in range(len(days)):
        row, more = climb(row, ABSENT, LADDER, "direct", days[: last + 1], 2)
        steps += more
        if data.draw(st.booleans(), label="looked at again"):
            row, again = climb(row, ABSENT, LADDER, "direct", days[: last + 1], 2)
            assert again == []
    assert (row, steps) == (at_once, climbs)
    assert [each.step for each in steps] == list(range(1, len(steps) + 1))
