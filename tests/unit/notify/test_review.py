"""What waits: for a person, or for a look."""

from __future__ import annotations

from datetime import date, timedelta

from contracts.alerts import AlertRaised
from contracts.codes import Basis, StaffRole
from services.notify.review import Review, Waiting, review
from services.notify.routing import Post
from services.notify.rows import School
from tests.unit.notify.samples import (
    AS_OF,
    LADDER,
    NOW,
    assessed,
    bodies,
    name_of,
    post,
    school,
    staff,
    step,
)

DAYS = [AS_OF + timedelta(days=n) for n in (1, 2)]


def look(at: School, posts: list[Post], days: list[date], seen: bool = False) -> Review:
    waiting = [Waiting(row, seen, at.children[row.linkage_id]) for row in at.rows.values()]
    return review(waiting, posts, days, "direct", 2, NOW)


def raised(posts: list[Post], budget: int = 3) -> School:
    at = school(budget, posts)
    step(at, assessed())
    return at


def test_an_unseen_alert_climbs_and_is_not_told_anew() -> None:
    found = look(raised(LADDER), LADDER, DAYS)
    [climbed] = found.escalated
    assert [r.staff_id for r in climbed.recipients] == [staff("vice_principal")]
    assert (climbed.step, climbed.alert_id) == (1, name_of())
    assert found.told == []
    assert found.rows[0].told_on == DAYS[-1]


def test_what_was_seen_or_is_held_does_not_climb() -> None:
    assert look(raised(LADDER), LADDER, DAYS, seen=True) == Review()
    assert look(raised(LADDER, budget=0), LADDER, DAYS) == Review()


def test_a_filled_post_gives_an_alert_its_person_and_a_greater_version() -> None:
    at = raised([])
    before = at.rows[name_of()]
    assert look(at, [], []) == Review()
    found = look(at, [post(StaffRole.homeroom)], [])
    [body] = bodies(found)
    assert isinstance(body, AlertRaised)
    assert [r.staff_id for r in body.recipients] == [staff("homeroom")]
    assert before.version < body.version < 4 * (assessed().version + 1)
    assert found.rows[0].version == body.version


def test_a_held_alert_finds_its_person_too() -> None:
    found = look(raised([], budget=0), LADDER, [])
    [body] = bodies(found)
    assert isinstance(body, AlertRaised)
    assert body.held


def test_whoever_hears_late_has_two_days_from_then() -> None:
    found = look(raised([]), LADDER, DAYS)
    assert found.escalated == []
    assert found.rows[0].told_on == DAYS[-1]


def test_a_post_that_begins_after_the_assessed_day_counts_once_that_day_is_there() -> None:
    at = raised([])
    later = [post(StaffRole.homeroom, valid_from=DAYS[0])]
    assert look(at, later, []) == Review()
    assert look(at, later, DAYS[:1]).rows[0].routed


def test_the_combined_alert_keeps_the_version_of_both_assessments() -> None:
    at = school(posts=[])
    step(at, assessed(version=10), assessed(band=2, version=20, basis=Basis.combined))
    found = look(at, [post(StaffRole.vice_principal)], [])
    versions = {body.alert_id: body.version for body in bodies(found)}
    assert versions == {name_of(): 4 * 10 + 3, name_of(basis=Basis.combined): 4 * 30 + 3}
