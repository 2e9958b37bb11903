"""Whom an alert is for: by post, relation and day."""

from __future__ import annotations

from datetime import date

import pytest

from contracts.alerts import Recipient
from contracts.codes import Basis, StaffRole, SurveyKind
from contracts.risk import RiskAssessed
from services.notify.routing import Post, next_step, route
from tests.unit.notify.samples import (
    AS_OF,
    LADDER,
    OTHER_SCHOOL,
    assessed,
    class_of,
    infirmary,
    post,
    staff,
    streak,
    survey,
)

R = StaffRole
NURSE = post(R.nurse)
ABSENT = assessed()
VISITS = assessed(reasons=[streak(AS_OF), infirmary(AS_OF)])
COMBINED = assessed(basis=Basis.combined)
COMBINED_VISITS = assessed(basis=Basis.combined, reasons=[streak(AS_OF), infirmary(AS_OF)])
LESSONS = assessed(basis=Basis.combined, reasons=[streak(AS_OF), survey(AS_OF, SurveyKind.lesson)])
ABOUT_HER = assessed(
    basis=Basis.combined, reasons=[streak(AS_OF), infirmary(AS_OF), survey(AS_OF, SurveyKind.school_life)]
)
ABOUT_HER_TOO = assessed(basis=Basis.combined, reasons=[streak(AS_OF), survey(AS_OF, SurveyKind.prefecture)])


def without(*roles: StaffRole) -> list[Post]:
    return [each for each in [*LADDER, NURSE] if each.role not in roles]


def to(*roles: StaffRole) -> list[Recipient]:
    return [Recipient(role, staff(role.value)) for role in roles]


NOBODY = [Recipient(R.vice_principal)]


@pytest.mark.parametrize(
    ("posts", "assessment", "policy", "recipients"),
    [
        (without(), ABSENT, "direct", to(R.homeroom, R.grade_head)),
        (without(), VISITS, "direct", to(R.homeroom, R.grade_head, R.nurse)),
        (without(), COMBINED, "direct", to(R.homeroom, R.grade_head)),
        (without(), COMBINED_VISITS, "direct", to(R.homeroom, R.grade_head, R.nurse)),
        (without(), LESSONS, "direct", to(R.homeroom, R.grade_head)),
        (without(), ABOUT_HER, "direct", to(R.vice_principal, R.nurse)),
        (without(), ABOUT_HER_TOO, "direct", to(R.vice_principal)),
        (without(R.vice_principal), ABOUT_HER, "direct", to(R.nurse)),
        (without(R.vice_principal, R.nurse), ABOUT_HER, "direct", NOBODY),
        (without(), ABSENT, "principal_first", to(R.principal, R.vice_principal)),
        (without(), COMBINED_VISITS, "principal_first", to(R.principal, R.vice_principal)),
        (without(R.homeroom), ABSENT, "direct", to(R.grade_head, R.vice_principal)),
        (without(R.homeroom, R.grade_head), ABSENT, "direct", to(R.vice_principal)),
        (without(R.homeroom, R.vice_principal), ABSENT, "direct", to(R.grade_head)),
        (without(R.nurse), COMBINED_VISITS, "direct", to(R.homeroom, R.grade_head)),
        (without(R.principal), ABSENT, "principal_first", to(R.vice_principal)),
        ([post(R.principal)], ABSENT, "direct", NOBODY),
        ([], ABSENT, "direct", NOBODY),
        ([post(R.guidance_head), NURSE], ABSENT, "direct", NOBODY),
        ([post(R.homeroom, class_id=class_of(OTHER_SCHOOL))], ABSENT, "direct", NOBODY),
        ([post(R.grade_head, grade=6)], ABSENT, "direct", NOBODY),
        ([post(R.vice_principal, school=OTHER_SCHOOL)], ABSENT, "direct", NOBODY),
    ],
)
def test_route(posts: list[Post], assessment: RiskAssessed, policy: str, recipients: list[Recipient]) -> None:
    assert route(posts, assessment, policy, AS_OF) == recipients


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "holds"),
    [
        (date(2025, 6, 11), date(2025, 6, 12), True),
        (date(2025, 6, 12), date(2026, 4, 1), False),
        (date(2025, 4, 1), date(2025, 6, 11), False),
    ],
)
def test_a_post_holds_from_its_first_day_and_not_on_its_end(
    valid_from: date, valid_to: date, holds: bool
) -> None:
    held = post(R.homeroom, valid_from=valid_from, valid_to=valid_to)
    assert (route([held], ABSENT, "direct", AS_OF) == to(R.homeroom)) is holds


def test_two_teachers_of_one_class_both_hear() -> None:
    found = route([post(R.homeroom, "one"), post(R.homeroom, "two")], ABSENT, "direct", AS_OF)
    assert [recipient.staff_id for recipient in found] == [staff("one"), staff("two")]


@pytest.mark.parametrize(
    ("posts", "assessment", "policy", "told", "found"),
    [
        (without(), ABSENT, "direct", to(R.homeroom), to(R.grade_head)),
        (without(), ABSENT, "direct", to(R.homeroom, R.grade_head), to(R.vice_principal)),
        (without(), ABSENT, "direct", to(R.homeroom, R.grade_head, R.vice_principal), to(R.principal)),
        (without(), ABSENT, "direct", to(R.principal), []),
        (without(R.vice_principal), ABSENT, "direct", to(R.homeroom, R.grade_head), to(R.principal)),
        (without(), ABSENT, "direct", NOBODY, to(R.homeroom)),
        (without(R.homeroom), ABSENT, "direct", to(R.grade_head, R.vice_principal), to(R.principal)),
        (without(), COMBINED_VISITS, "direct", to(R.homeroom, R.grade_head, R.nurse), to(R.vice_principal)),
        (without(), ABOUT_HER, "direct", to(R.nurse), to(R.vice_principal)),
        (without(), ABOUT_HER, "direct", to(R.vice_principal, R.nurse), to(R.principal)),
        (without(), ABOUT_HER, "direct", NOBODY, to(R.vice_principal)),
        (without(), ABSENT, "principal_first", to(R.vice_principal), to(R.principal)),
        (without(), ABSENT, "principal_first", to(R.principal, R.vice_principal), []),
        ([], ABSENT, "direct", to(R.homeroom), []),
    ],
)
def test_an_unseen_alert_climbs_and_never_down(
    posts: list[Post], assessment: RiskAssessed, policy: str, told: list[Recipient], found: list[Recipient]
) -> None:
    assert next_step(posts, assessment, policy, told, AS_OF) == found


def test_nobody_is_told_after_the_post_has_ended() -> None:
    ended = post(R.vice_principal, valid_to=date(2025, 6, 13))
    told = to(R.homeroom, R.grade_head)
    assert next_step([ended], ABSENT, "direct", told, date(2025, 6, 12)) == to(R.vice_principal)
    assert next_step([ended], ABSENT, "direct", told, date(2025, 6, 13)) == []
