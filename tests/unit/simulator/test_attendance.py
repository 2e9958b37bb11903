"""Days as lived: invariants of the codes, and what the seed decides."""

import numpy as np
import pytest

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from simulator import Settings, build_city, demo, world
from simulator.courses import Stage
from simulator.episodes import NEVER, Kind
from simulator.latent import solve_rates
from simulator.settings import NonAttendance
from simulator.worlds import WORLDS
from tests.unit.simulator.cities import YEARS, demo_city, whole_city


def test_the_seed_decides_everything() -> None:
    again = build_city(demo(Settings(seed=11)), YEARS)
    other = build_city(demo(Settings(seed=10)), YEARS)
    for year in YEARS:
        assert np.array_equal(again.attendance(year).status, demo_city().attendance(year).status)
        assert np.array_equal(again.attendance(year).flags, demo_city().attendance(year).flags)
        assert np.array_equal(again.roster(year).number, demo_city().roster(year).number)
    assert again.pupils.people == demo_city().pupils.people
    assert again.pupils.people != other.pupils.people


def test_a_year_does_not_depend_on_the_years_that_follow() -> None:
    short = build_city(demo(Settings(seed=11)), YEARS[:1])
    assert np.array_equal(short.attendance(2024).status, demo_city().attendance(2024).status)


@pytest.mark.parametrize("year", YEARS)
def test_no_school_and_no_enrolment_have_their_own_codes(year: int) -> None:
    city = whole_city()
    days, roster, calendar = city.attendance(year), city.roster(year), city.calendar(year)
    has_school = calendar.open[roster.school, roster.grade]
    assert np.all(days.status[~days.enrolled] == Code.unknown)
    assert np.all((days.status == Code.no_school)[days.enrolled] == ~has_school[days.enrolled])
    assert not np.any((days.status == Code.unknown)[days.enrolled])


def test_flags_stand_only_on_days_present() -> None:
    days = whole_city().attendance(2025)
    assert np.all(days.flags[days.status != Code.present] == 0)
    assert np.all(days.visits[days.status != Code.present] == 0)
    assert not np.any(days.flags & Flag.provisional)
    for flag in (Flag.late, Flag.left_early, Flag.separate_room, Flag.counted_present):
        assert np.any(days.flags & flag)


def test_closed_classes_are_closed_for_all() -> None:
    city = whole_city()
    days, roster = city.attendance(2025), city.roster(2025)
    closed = (days.status == Code.class_closed) & days.enrolled
    share = np.zeros((len(roster.classes), days.status.shape[1]))
    enrolled = np.zeros_like(share)
    np.add.at(share, roster.room, closed)
    np.add.at(enrolled, roster.room, days.enrolled)
    assert np.all((share == 0) | (share == enrolled))
    assert (share > 0).sum() > 20


def test_influenza_comes_in_winter_in_spells_of_five_school_days() -> None:
    city = whole_city()
    days, calendar = city.attendance(2025), city.calendar(2025)
    assert np.isin(calendar.month[days.flu.any(axis=0)], (11, 12, 1, 2, 3)).all()
    spells = days.flu.sum(axis=1)
    assert spells.max() <= 5
    assert np.median(spells[spells > 0]) >= 4


def test_every_kind_and_stage_occurs() -> None:
    days = whole_city().attendance(2025)
    assert set(np.unique(days.kind).tolist()) == {int(kind) for kind in Kind}
    assert set(np.unique(days.stage).tolist()) == {int(stage) for stage in Stage}


def test_cases_carry_over_to_the_next_year() -> None:
    city = whole_city()
    first, second = city.years[2024], city.years[2025]
    cases = np.flatnonzero(first.cases())
    still_here = cases[np.isin(cases, second.roster.pupil)]
    assert np.all(second.was_case[still_here])
    again = second.cases()[still_here].mean()
    assert 0.5 < again < 0.95
    ordinary = np.setdiff1d(np.flatnonzero(~first.cases()), cases)
    assert second.cases()[ordinary].mean() < 0.03


def test_rates_by_grade_balance() -> None:
    settings = NonAttendance()
    rates = solve_rates(settings)
    assert rates.all_cases[1:7].mean() == pytest.approx(settings.target[0])
    assert rates.all_cases[7:].mean() == pytest.approx(settings.target[1])
    assert rates.new_cases[1:7].sum() / rates.all_cases[1:7].sum() == pytest.approx(settings.target_new[0])
    assert rates.new_cases[7:].sum() / rates.all_cases[7:].sum() == pytest.approx(settings.target_new[1])


def test_absence_rises_before_it_settles() -> None:
    """Gradual cases: the weeks of the ramp hold fewer absences than the plateau, and more than the weeks before."""
    city = whole_city()
    days = city.attendance(2025)
    rows = days.kind == Kind.gradual
    means = {
        stage: days.absent[rows][days.stage[rows] == stage].mean()
        for stage in (Stage.none, Stage.ramp, Stage.plateau)
    }
    assert means[Stage.none] < means[Stage.ramp] < means[Stage.plateau]


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_every_world_lives(name: str) -> None:
    city = build_city(demo(world(name, seed=4)), (2025,))
    assert city.attendance(2025).absent.sum() > 1000


def test_worlds_change_what_they_say() -> None:
    assert world("sudden-50").nonattendance.mix == pytest.approx((0.5, 0.35, 0.15))
    assert world("ramp-25").nonattendance.ramp_median_days == 25
    assert world("no-signal").signals.onset_late == 0
    fast = build_city(world("fy2024", seed=2), (2025,)).years[2025].cases().sum()
    base = build_city(world("base", seed=2), (2025,)).years[2025].cases().sum()
    assert fast > 1.6 * base


def test_no_school_day_is_never() -> None:
    assert max(len(city.calendar(2025).days) for city in (demo_city(), whole_city())) < NEVER
