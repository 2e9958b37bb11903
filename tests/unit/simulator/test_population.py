"""Schools, names, classes, and the same pupils from year to year."""

from collections import Counter
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from contracts.codes import StaffRole
from simulator import Settings, build_city, demo
from simulator.names import MARKUP_PERSON
from simulator.schools import build_schools, check_digit, feeder_junior
from simulator.staff import employ
from tests.unit.simulator.cities import demo_city, whole_city

#: Published 学校コード.
GOLDEN = (
    "F139190110515 B139190000027 C139290001200 D139390000109 E139290000180 "
    "B113210000005 B101210000018 G139190110577 H239390000083 A239290000106"
).split()


@pytest.mark.parametrize("code", GOLDEN)
def test_check_digit_of_published_codes(code: str) -> None:
    assert check_digit(code[:-1]) == int(code[-1])


def test_school_codes_are_valid_and_unique() -> None:
    codes = [school.code for school in build_schools(Settings())]
    assert len(set(codes)) == 18
    assert all(len(code) == 13 and check_digit(code[:12]) == int(code[12]) for code in codes)


def test_city_and_demo_have_the_stated_size() -> None:
    city, small = whole_city(), demo_city()
    assert 11_400 <= len(city.roster(2024)) <= 12_600
    junior = small.roster(2024).is_junior
    assert 520 <= (~junior).sum() <= 680
    assert 420 <= junior.sum() <= 570


def test_birth_dates_fit_the_grade() -> None:
    city = demo_city()
    roster = city.roster(2025)
    for pupil, grade in zip(roster.pupil.tolist(), roster.grade.tolist(), strict=True):
        born = date.fromordinal(int(city.pupils.birth_ordinal[pupil]))
        assert date(2025 - 6 - grade, 4, 2) <= born <= date(2025 - 5 - grade, 4, 1)


def test_pupils_are_promoted_and_change_schools_at_the_right_time() -> None:
    city = whole_city()
    before, after = city.roster(2024), city.roster(2025)
    new_grade = dict(zip(after.pupil.tolist(), after.grade.tolist(), strict=True))
    new_school = dict(zip(after.pupil.tolist(), after.school.tolist(), strict=True))
    last = before.last == len(city.calendar(2024).days)
    stayed = {6: 0, 7: 0}
    for row in np.flatnonzero(last).tolist():
        pupil, grade = int(before.pupil[row]), int(before.grade[row])
        if grade == 9:
            assert pupil not in new_grade
        elif pupil in new_grade:
            assert new_grade[pupil] == grade + 1
            if grade == 6:
                stayed[6] += 1
                assert city.schools[new_school[pupil]].is_junior
    assert stayed[6] > 800
    known_new_first = np.unique(after.pupil[after.grade == 1])
    assert np.all(known_new_first >= len(city.years[2024].was_case))


def test_most_pupils_of_the_lower_grades_stay() -> None:
    city = demo_city()
    before, after = city.roster(2024), city.roster(2025)
    lower = np.unique(before.pupil[before.grade <= 5])
    assert 0.9 < np.isin(lower, after.pupil).mean() < 1.0


def test_classes_are_numbered_without_gaps_in_kana_order() -> None:
    city = demo_city()
    roster = city.roster(2025)
    at_start = roster.first == 0
    for room in range(len(roster.classes)):
        rows = np.flatnonzero((roster.room == room) & at_start)
        ordered = rows[np.argsort(roster.number[rows])]
        assert roster.number[ordered].tolist() == list(range(1, len(rows) + 1))
        people = [city.pupils.people[p] for p in roster.pupil[ordered].tolist()]
        kana = [(p.school or p.registered).family_kana for p in people]
        assert kana == sorted(kana)


def test_two_rows_of_a_pupil_never_overlap() -> None:
    city = whole_city()
    roster = city.roster(2024)
    counts = Counter(roster.pupil.tolist())
    movers = [pupil for pupil, count in counts.items() if count > 1]
    assert movers
    for pupil in movers:
        rows = np.flatnonzero(roster.pupil == pupil)
        assert len(rows) == 2
        first, second = rows[np.argsort(roster.first[rows])]
        assert roster.last[first] == roster.first[second]
        assert roster.school[first] != roster.school[second]


def test_there_are_moves_in_and_out() -> None:
    city = demo_city()
    roster, days = city.roster(2025), len(city.calendar(2025).days)
    assert ((roster.first > 0) & roster.moved_in).sum() >= 5
    assert (roster.last < days).sum() >= 5


def test_one_pupil_of_every_city_has_markup_for_a_name() -> None:
    for seed in range(3):
        city = build_city(demo(Settings(seed=seed)), (2025,))
        assert city.pupils.people.count(MARKUP_PERSON) == 1
        assert MARKUP_PERSON.registered.family == "<img src=x onerror=alert(1)>"
        pupil = city.pupils.people.index(MARKUP_PERSON)
        assert pupil in city.roster(2025).pupil


def test_some_pupils_have_a_school_name_or_a_former_name_and_siblings_share_theirs() -> None:
    pupils = whole_city().pupils
    assert 0.01 < np.mean([p.school is not None for p in pupils.people]) < 0.06
    assert 0.005 < np.mean([p.former is not None for p in pupils.people]) < 0.04
    elder = pupils.household
    younger = np.flatnonzero(elder != np.arange(len(pupils)))
    assert len(younger) > 1000
    assert np.all(pupils.family[younger] == pupils.family[elder[younger]])


def test_every_class_has_a_teacher_and_every_school_its_posts() -> None:
    city = whole_city()
    roster = city.roster(2025)
    staff = employ(city.settings, city.schools, roster)
    rooms = [post.room for post in staff.posts if post.role is StaffRole.homeroom]
    assert sorted(room for room in rooms if room is not None) == list(range(len(roster.classes)))
    for school in range(len(city.schools)):
        roles = Counter(post.role for post in staff.posts if post.school == school)
        for role in (StaffRole.principal, StaffRole.vice_principal, StaffRole.nurse, StaffRole.counsellor):
            assert roles[role] == 1
        assert roles[StaffRole.grade_head] == (3 if city.schools[school].is_junior else 6)
    assert all(post.staff_id in staff.people for post in staff.posts)


def test_staff_keep_their_names() -> None:
    city = demo_city()
    first, second = (employ(city.settings, city.schools, city.roster(year)) for year in (2024, 2025))
    common = first.people.keys() & second.people.keys()
    assert len(common) > 20
    assert all(first.people[staff_id] == second.people[staff_id] for staff_id in common)


def test_feeder_schools() -> None:
    schools = build_schools(Settings())
    assert [feeder_junior(schools, school) for school in (0, 1, 2, 11)] == [12, 12, 13, 17]
    assert feeder_junior(schools, 12) is None
    only = replace(Settings(), scale=replace(Settings().scale, elementary_schools=1, junior_schools=0))
    assert feeder_junior(build_schools(only), 0) is None


def test_a_city_without_junior_high_schools_and_one_with_small_schools_live() -> None:
    scale = replace(Settings().scale, elementary_schools=2, junior_schools=0, small_schools=1)
    city = build_city(replace(Settings(), scale=scale), (2024, 2025))
    sizes = Counter(city.roster(2025).school.tolist())
    assert sizes[0] < 100 < 500 < sizes[1]


def test_years_must_follow_one_another() -> None:
    city = build_city(demo(Settings()), (2024,))
    with pytest.raises(ValueError, match="follow"):
        city.live_through(2026)
