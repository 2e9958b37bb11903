"""Which alerts exist is a table over two assessments; why one is gone is another."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from contracts.codes import Basis
from services.notify import alerts
from services.notify.alerts import Assessments, Gone
from tests.unit.notify.samples import (
    AS_OF,
    EPISODE,
    OTHER_SCHOOL,
    SCHOOL,
    assessed,
    child,
    farewell,
    name_of,
)

START = date(2025, 4, 1)
A, C = Basis.attendance, Basis.combined
DAY = timedelta(days=1)


def both(attendance: int, combined: int) -> Assessments:
    return {A: assessed(band=attendance, basis=A), C: assessed(band=combined, basis=C)}


@pytest.mark.parametrize(
    ("known", "stand"),
    [
        ({}, set()),
        ({A: assessed(band=0)}, set()),
        ({A: assessed(band=1)}, {A}),
        ({A: assessed(band=3)}, {A}),
        ({C: assessed(band=1, basis=C)}, {C}),
        (both(1, 0), {A}),
        (both(0, 1), {C}),
        (both(1, 1), {A}),
        (both(2, 1), {A}),
        (both(1, 2), {A, C}),
        (both(2, 3), {A, C}),
        ({A: assessed(band=2, reasons=[])}, set()),
        ({A: assessed(as_of=START - DAY)}, set()),
        ({A: assessed(as_of=START)}, {A}),
        ({A: assessed(as_of=START - DAY), C: assessed(basis=C)}, {C}),
    ],
)
def test_alerts_stand_by_what_the_assessments_say(known: Assessments, stand: set[Basis]) -> None:
    found = alerts.standing(known, START)
    assert {each.assessment.basis for each in found.values()} == stand
    assert set(found) == {name_of(basis=basis) for basis in stand}


def test_an_alert_is_one_child_episode_basis_and_school() -> None:
    one = alerts.alert_id(child(1), EPISODE, A, SCHOOL)
    others = [
        alerts.alert_id(child(2), EPISODE, A, SCHOOL),
        alerts.alert_id(child(1), EPISODE + DAY, A, SCHOOL),
        alerts.alert_id(child(1), EPISODE, C, SCHOOL),
        alerts.alert_id(child(1), EPISODE, A, OTHER_SCHOOL),
    ]
    assert len({one, *others}) == 5
    assert one == alerts.alert_id(child(1), EPISODE, A, SCHOOL)


@pytest.mark.parametrize(
    ("assessment", "why"),
    [
        (assessed(band=0, as_of=AS_OF + DAY), Gone.ended),
        (assessed(band=0, as_of=AS_OF), Gone.corrected),
        (assessed(band=0, as_of=AS_OF - DAY), Gone.corrected),
        (assessed(episode=EPISODE - DAY), Gone.corrected),
        (assessed(episode=EPISODE + DAY), Gone.corrected),
        (assessed(episode=AS_OF + DAY, as_of=AS_OF + 2 * DAY), Gone.ended),
        (assessed(reasons=[]), Gone.corrected),
        (assessed(basis=C), Gone.ended),
        (assessed(basis=C, episode=EPISODE + DAY), Gone.corrected),
        (farewell(), Gone.moved),
    ],
)
def test_why_an_alert_stands_no_longer(assessment: object, why: Gone) -> None:
    assert alerts.gone(EPISODE, AS_OF, assessment) is why  # type: ignore[arg-type]


def test_a_farewell_names_a_class_of_another_school() -> None:
    assert alerts.has_left(farewell())
    assert not alerts.has_left(assessed())
    assert not alerts.has_left(assessed(school=OTHER_SCHOOL))
