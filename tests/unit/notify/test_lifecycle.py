"""Lives of alerts, poll by poll."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from contracts.alerts import AlertEnded, AlertRaised, AlertRetracted
from contracts.codes import Basis, Retraction, StaffRole
from contracts.risk import RiskAssessed
from services.notify.routing import Post
from services.notify.rows import Changes, Rules, School, Status
from tests.unit.notify.samples import (
    AS_OF,
    EPISODE,
    LADDER,
    OTHER_SCHOOL,
    RULES,
    assessed,
    bodies,
    child,
    farewell,
    name_of,
    post,
    school,
    staff,
    step,
)

DAY = timedelta(days=1)
A, C = Basis.attendance, Basis.combined
JUNE, JULY = date(2025, 6, 1), date(2025, 7, 1)


def only(changes: Changes) -> AlertRaised | AlertRetracted | AlertEnded:
    [body] = bodies(changes)
    return body


def raised_at(at: School) -> set[str]:
    return {name for name, row in at.rows.items() if row.status is Status.open and not row.held}


def test_a_band_raises_an_alert_for_the_right_people() -> None:
    body = only(step(school(), assessed(band=2)))
    assert isinstance(body, AlertRaised)
    assert (body.alert_id, body.level, body.episode, body.as_of) == (name_of(), 2, EPISODE, AS_OF)
    assert [r.staff_id for r in body.recipients] == [staff("homeroom"), staff("grade_head")]
    assert not body.held


def test_no_band_raises_nothing() -> None:
    at = school()
    changes = step(at, assessed(band=0))
    assert (changes.told, at.rows) == ([], {})
    assert changes.fresh == {(child(1), A): assessed(band=0)}


def test_the_same_assessment_again_or_an_older_one_is_stale() -> None:
    at = school()
    step(at, assessed(version=10))
    changes = step(at, assessed(version=10), assessed(version=9, band=3))
    assert (changes.stale, changes.told, changes.rows, changes.fresh) == (2, [], {}, {})


def test_a_new_day_or_level_is_told_as_the_same_alert() -> None:
    at = school()
    step(at, assessed(version=10))
    body = only(step(at, assessed(version=11, band=3, as_of=AS_OF + DAY)))
    assert isinstance(body, AlertRaised)
    assert (body.alert_id, body.level, body.as_of) == (name_of(), 3, AS_OF + DAY)
    assert body.version > 4 * 11


@pytest.mark.parametrize(
    ("later", "why"),
    [
        (assessed(band=0, version=20), Retraction.corrected),
        (assessed(band=0, version=20, as_of=AS_OF - DAY), Retraction.corrected),
        (assessed(version=20, as_of=RULES.alerts_from - DAY), Retraction.corrected),
        (farewell(), Retraction.moved),
    ],
)
def test_an_alert_without_a_reason_is_withdrawn(later: RiskAssessed, why: Retraction) -> None:
    at = school()
    step(at, assessed(version=10))
    changes = step(at, later)
    body = only(changes)
    assert isinstance(body, AlertRetracted)
    assert (body.why, body.version) == (why, 4 * 20)
    assert at.rows[name_of()].status is Status.retracted
    assert [row.alert_id for row in changes.withdrawn] == [name_of()]


def test_days_that_pass_end_an_alert_and_call_it_no_correction() -> None:
    at = school()
    step(at, assessed(version=10))
    changes = step(at, assessed(band=0, version=20, as_of=AS_OF + 5 * DAY))
    body = only(changes)
    assert isinstance(body, AlertEnded)
    assert (body.ended_on, body.version) == (AS_OF + 5 * DAY, 80)
    assert changes.withdrawn == []
    assert at.rows[name_of()].status is Status.ended


def test_what_was_withdrawn_is_raised_again_and_keeps_its_place() -> None:
    at = school(budget=1)
    step(at, assessed(version=10))
    step(at, assessed(band=0, version=20))
    changes = step(at, assessed(version=30))
    body = only(changes)
    assert isinstance(body, AlertRaised)
    assert (body.held, body.version > 80) == (False, True)
    assert [row.life for row in changes.interrupting] == [80]


def test_a_new_episode_is_a_new_alert_and_ends_the_old_one() -> None:
    at = school()
    step(at, assessed(version=10))
    later = EPISODE + 20 * DAY
    ended, raised = bodies(step(at, assessed(version=20, episode=later, as_of=later)))
    assert isinstance(ended, AlertEnded)
    assert isinstance(raised, AlertRaised)
    assert (ended.alert_id, raised.alert_id) == (name_of(), name_of(episode=later))


@pytest.mark.parametrize("moved", [-2 * DAY, DAY])
def test_a_correction_that_moves_the_episode_costs_no_second_place(moved: timedelta) -> None:
    at = school(budget=1)
    step(at, assessed(version=10))
    at.taken = {JUNE: {child(1)}, JULY: {child(8)}}
    july = assessed(version=20, episode=EPISODE + moved, as_of=date(2025, 7, 1))
    retracted, raised = bodies(step(at, july))
    assert isinstance(retracted, AlertRetracted)
    assert isinstance(raised, AlertRaised)
    assert (retracted.why, raised.held) == (Retraction.corrected, False)
    assert at.rows[raised.alert_id].placed_in == JUNE


def test_what_stood_only_within_a_poll_is_withdrawn_for_whoever_saw_it_in_another_cut() -> None:
    at = school()
    changes = step(at, assessed(version=10), assessed(version=20, band=0))
    body = only(changes)
    assert isinstance(body, AlertRetracted)
    assert (changes.withdrawn, changes.interrupting, changes.counts.total()) == ([], [], 0)
    assert raised_at(at) == set()


# --- two bases ---


def test_the_combined_alert_stands_only_where_it_says_more() -> None:
    at = school()
    step(at, assessed(band=1, version=10), assessed(band=2, version=10, basis=C))
    assert raised_at(at) == {name_of(), name_of(basis=C)}
    changes = step(at, assessed(band=2, version=11))
    told = {type(body): body for body in bodies(changes)}
    assert told[AlertEnded].alert_id == name_of(basis=C)
    assert told[AlertRaised].alert_id == name_of()
    step(at, assessed(band=1, version=12))
    assert raised_at(at) == {name_of(), name_of(basis=C)}


def test_the_attendance_alert_is_silent_about_the_combined_assessment() -> None:
    at = school()
    step(at, assessed(band=2, version=10), assessed(band=2, version=10, basis=C))
    assert bodies(step(at, assessed(band=1, version=30, basis=C))) == []


def test_two_alerts_of_one_child_take_one_place() -> None:
    at = school(budget=1)
    step(at, assessed(band=1, version=10), assessed(band=2, version=10, basis=C))
    assert raised_at(at) == {name_of(), name_of(basis=C)}


# --- the budget ---


def test_the_budget_ranks_within_a_poll_and_holds_the_rest() -> None:
    at = school(budget=2)
    arrivals = [
        assessed(n, band, place=place) for n, band, place in [(1, 1, 5), (2, 1, 9), (3, 3, 0), (4, 1, 1)]
    ]
    told = bodies(step(at, *arrivals))
    assert len(told) == 4
    assert raised_at(at) == {name_of(2), name_of(3)}
    assert {body.alert_id for body in told if isinstance(body, AlertRaised) and body.held} == {
        name_of(1),
        name_of(4),
    }


def test_within_a_month_first_come_first_served_even_against_a_higher_level() -> None:
    at = school(budget=1)
    step(at, assessed(1, 1))
    step(at, assessed(2, 3))
    assert raised_at(at) == {name_of(1)}


def test_a_place_is_not_given_back_by_a_withdrawal() -> None:
    at = school(budget=1)
    step(at, assessed(1, version=10))
    step(at, assessed(1, 0, version=20))
    step(at, assessed(2))
    assert raised_at(at) == set()


def test_a_held_alert_may_take_a_place_of_the_next_month_and_waits_from_then() -> None:
    at = school(budget=1)
    step(at, assessed(1, version=10))
    step(at, assessed(2, version=10))
    changes = step(at, assessed(2, version=11, as_of=JULY))
    body = only(changes)
    assert isinstance(body, AlertRaised)
    assert not body.held
    row = at.rows[name_of(2)]
    assert (row.placed_in, row.told_on) == (JULY, JULY)
    assert changes.interrupting == [row]


def test_a_held_alert_whose_level_rises_competes_again() -> None:
    at = school(budget=1)
    step(at, assessed(1))
    step(at, assessed(2, version=10))
    at.budget = 2
    step(at, assessed(2, 3, version=11), assessed(3, 1))
    assert raised_at(at) == {name_of(1), name_of(2)}


def test_a_place_once_taken_stays_and_interrupts_once() -> None:
    at = school(budget=1)
    first = step(at, assessed(1, version=10))
    again = step(at, assessed(1, version=11, as_of=JULY))
    assert [len(each.interrupting) for each in (first, again)] == [1, 0]
    assert at.rows[name_of(1)].placed_in == JUNE


# --- people ---


def test_recipients_follow_the_posts_of_the_day() -> None:
    leaves = post(StaffRole.homeroom, "old", valid_to=AS_OF + DAY)
    comes = post(StaffRole.homeroom, "new", valid_from=AS_OF + DAY)
    at = school(posts=[leaves, comes])
    first = only(step(at, assessed(version=10)))
    second = only(step(at, assessed(version=11, as_of=AS_OF + DAY)))
    assert isinstance(first, AlertRaised)
    assert isinstance(second, AlertRaised)
    assert [r.staff_id for r in first.recipients] == [staff("old")]
    assert [r.staff_id for r in second.recipients] == [staff("new")]


@pytest.mark.parametrize(("posts", "times"), [(LADDER, 0), ([], 1)])
def test_an_alert_for_nobody_is_counted_once(posts: list[Post], times: int) -> None:
    at = school(posts=posts)
    counts = step(at, assessed(version=10)).counts + step(at, assessed(version=11)).counts
    assert counts["for_nobody"] == times


# --- places ---


def test_a_child_who_moves_is_withdrawn_there_and_raised_here() -> None:
    old, new = school(), school(name=OTHER_SCHOOL, posts=[])
    step(old, assessed(version=10))
    arrived = assessed(version=20, school=OTHER_SCHOOL)
    here = only(step(new, arrived))
    there = only(step(old, farewell(version=19)))
    assert isinstance(there, AlertRetracted)
    assert (there.why, there.school) == (Retraction.moved, at_school := old.school)
    assert at_school != here.school
    assert here.alert_id == name_of(at=OTHER_SCHOOL)
    assert isinstance(here, AlertRaised)


def test_history_raises_nothing_and_what_still_stands_after_it_is_raised() -> None:
    rules = Rules(AS_OF, "direct")
    at = school()
    assert bodies(step(at, assessed(version=10, as_of=AS_OF - DAY), rules=rules)) == []
    body = only(step(at, assessed(version=11, as_of=AS_OF), rules=rules))
    assert isinstance(body, AlertRaised)
    assert body.episode == EPISODE
