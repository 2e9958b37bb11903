"""Infirmary visits, survey rounds, own counts and tallies: small pure pieces."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from math import isnan

import numpy as np
import pytest

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from contracts.codes import SurveyKind
from contracts.facts import ClassTally
from services.features.children import SurveyRound
from services.features.closing import in_parts
from services.features.infirmary import Visits, infirmary_evidence, infirmary_matrix
from services.features.owncounts import OwnDay
from services.features.schoolyear import DAYS, year_days
from services.features.store.shares import Share
from services.features.surveys import survey_evidence, survey_vector
from services.features.tallies import NO_TALLY, with_days
from services.features.tally import tally_of
from services.features.years import Rows


@pytest.mark.parametrize("seed", range(5))
def test_infirmary_counts_equal_counting_by_hand(seed: int) -> None:
    random_ = random.Random(seed)
    days = year_days(2025)
    school = np.array([[random_.random() < 0.6 for _ in range(DAYS)] for _ in range(4)])
    listed = sorted(
        (random_.randrange(4), random_.randrange(DAYS - 1), random_.random() < 0.5) for _ in range(60)
    )
    visits = Visits(*(np.array(column) for column in zip(*listed, strict=True)))
    pairs = [(child, int(day)) for child in range(4) for day in np.flatnonzero(school[child])[::9]]
    matrix = infirmary_matrix(school, days, visits, Rows(*np.array(pairs).T))
    for row, (child, day) in enumerate(pairs):
        own = [(at, internal) for who, at, internal in listed if who == child and at <= day]
        mine = np.flatnonzero(school[child][: day + 1]).tolist()
        first = {n: mine[-n] if len(mine) >= n else 0 for n in (10, 20, 60)}
        expected = [sum(internal and at >= first[n] for at, internal in own) for n in (10, 20)]
        last_month = max((days.month[at] for at in mine if days.month[at] < days.month[day]), default=None)
        expected.append(sum(internal and days.month[at] == last_month for at, internal in own))
        expected.append(sum(at >= first[60] for at, _ in own))
        assert matrix[row].tolist() == expected


def test_infirmary_evidence_needs_two_visits_in_ten_days() -> None:
    days, school = year_days(2025), list(range(10, 60))
    found = infirmary_evidence(days, school, [25, 52, 58], 59)
    assert [(e.first, e.last, e.dates, e.previous_visits) for e in found] == [
        (days.dates[50], days.dates[59], [days.dates[52], days.dates[58]], 0)
    ]
    assert infirmary_evidence(days, school, [40, 58], 59) == []
    assert infirmary_evidence(days, school, [45, 52, 58], 59)[0].previous_visits == 1


def survey(on: date, number: int, kind: SurveyKind = SurveyKind.lesson, **answers: int) -> SurveyRound:
    return SurveyRound(kind, 2025, number, number, on, tuple(sorted(answers.items())))


JUNE, DECEMBER = date(2025, 6, 18), date(2025, 12, 10)


def test_survey_values_hold_from_each_round_on() -> None:
    rounds = [
        survey(date(2025, 5, 20), 1, SurveyKind.school_life, friends=4, sleep=2),
        survey(JUNE, 1, enjoy_math=5, enjoy_music=4, understand_math=3),
        survey(DECEMBER, 2, enjoy_math=2, enjoy_music=1, understand_math=2),
    ]
    assert survey_vector(rounds, JUNE)[:2] == [4.5, 3]
    assert isnan(survey_vector(rounds, JUNE)[2])
    assert survey_vector(rounds, DECEMBER) == [1.5, 2, -3, 3, 1]
    assert all(map(isnan, survey_vector(rounds, date(2025, 5, 1))))


def test_an_empty_sheet_is_no_answer() -> None:
    rounds = [survey(JUNE, 1, enjoy_math=5), survey(DECEMBER, 2)]
    assert survey_vector(rounds, DECEMBER)[0::4] == [5, 0]


def test_a_sheet_taken_back_is_as_if_it_had_never_come() -> None:
    gone = replace(survey(DECEMBER, 2), withdrawn=True)
    assert survey_vector([survey(JUNE, 1, enjoy_math=5), gone], DECEMBER)[0::4] == [5, 1]
    assert all(map(isnan, survey_vector([gone], DECEMBER)))


def test_survey_evidence_is_told_when_fewer_subjects_are_enjoyed() -> None:
    fell = [survey(JUNE, 1, enjoy_math=5, enjoy_music=4), survey(DECEMBER, 2, enjoy_math=3, enjoy_music=4)]
    assert [(e.previous_positive, e.latest_positive, e.latest_asked) for e in survey_evidence(fell)] == [
        (2, 1, 2)
    ]
    assert survey_evidence(list(reversed(fell))[:1]) == []
    assert survey_evidence([fell[1], replace(fell[1], round=3)]) == []


def test_own_counts_follow_a_child_through_its_changes() -> None:
    day = OwnDay()
    day.count("a", "c1", Code.sick, 0, 1)
    day.count("b", "c1", Code.present, int(Flag.late), 1)
    day.count("d", "c1", Code.suspended, 0, 1)
    assert day.tallies() == [ClassTally("c1", 2, 1, 1)]
    copy = day.copy()
    day.count("a", "c1", Code.sick, 0, -1)
    assert (day.absentees, copy.absentees) == (set(), {"a"})
    assert copy.tallies() == [ClassTally("c1", 2, 1, 1)]


def test_a_newer_tally_replaces_the_whole_day() -> None:
    first = with_days(NO_TALLY, [(3, [ClassTally("c1", 30, 2, 0), ClassTally("c2", 29, 0, 0)], 5)])
    second = with_days(first, [(3, [ClassTally("c1", 31, 3, 0)], 6), (4, [ClassTally("c3", 9, 1, 0)], 1)])
    assert (first.at("c1", 3), first.at("c2", 3), first.version[3]) == ((30, 2), (29, 0), 5)
    assert (second.at("c1", 3), second.at("c2", 3), second.version[3]) == ((31, 3), None, 6)
    assert (second.at("c3", 4), second.at("c3", 3), second.at("c9", 3)) == ((9, 1), None, None)


def test_shares_of_lanes_add_up() -> None:
    shares = [
        Share([ClassTally("c1", 3, 1, 0)], 1),
        Share([ClassTally("c1", 4, 0, 2), ClassTally("c2", 1, 1, 0)], 2),
    ]
    assert tally_of(shares) == [ClassTally("c1", 7, 1, 2), ClassTally("c2", 1, 1, 0)]


def test_rows_are_cut_into_parts_and_none_is_one_empty_part() -> None:
    assert in_parts([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]
    assert in_parts([1, 2], 2) == [[1, 2]]
    assert in_parts([], 2) == [[]]
