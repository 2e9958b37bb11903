"""The figures of pages: grid, windows, long absence, calendars, reconciliation, audiences, search text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from contracts.codes import AttendanceCode, AttendanceFlag, DayKind, LongAbsence, LongAbsenceRule, StopReason
from contracts.facts import Indicator, ProfileName
from contracts.operations import ConsumerPulsed, LaneState, LaneStop, TopicCount
from services.gateway import grid, longabsence
from services.gateway.audience import SurveyPart, tally
from services.gateway.feed.profiles import shown
from services.gateway.grid import Tally
from services.gateway.readers.reconciling import reconcile
from services.gateway.schoolyear import Calendar, Scoped, first_day, months, nearest, year_of
from services.gateway.searching import searchable

SICK, OTHER, PRESENT = AttendanceCode.sick, AttendanceCode.other, AttendanceCode.present
TODAY = date(2025, 5, 16)
DAYS = [first_day(2025) + timedelta(n) for n in range(365)]
CALENDAR = Calendar({day: DayKind.school_day for day in DAYS if day.weekday() < 5})
PAST = [day for day in DAYS if day.weekday() < 5 and day <= TODAY]
EVERY_DAY = {day: (int(PRESENT), 0) for day in PAST}


def with_marks(**marks: int) -> dict[date, tuple[int, int]]:
    """Present every day but for ``back_N=code`` school days ago."""
    found = dict(EVERY_DAY)
    for name, code in marks.items():
        found[PAST[-1 - int(name.removeprefix("back_"))]] = (int(code), 0)
    return found


@pytest.mark.parametrize(
    ("day", "year"), [(date(2025, 3, 31), 2024), (date(2025, 4, 1), 2025), (date(2026, 1, 1), 2025)]
)
def test_school_year(day: date, year: int) -> None:
    assert year_of(day) == year


def test_the_grid_has_every_date_up_to_this_month() -> None:
    year = grid.year_grid(2025, with_marks(back_0=SICK, back_3=OTHER), CALENDAR, set(), TODAY)
    assert [row.month for row in year.months] == list(months(2025)[:2])
    assert [len(row.days) for row in year.months] == [30, 31]
    assert (year.sick, year.other, year.unknown, year.school_days) == (1, 1, 0, len(PAST))
    future = [cell.date for row in year.months for cell in row.days if cell.future]
    assert future == [date(2025, 5, day) for day in range(17, 32)]


def test_a_past_school_day_without_a_mark_is_unknown_and_never_absent() -> None:
    marks = {day: mark for day, mark in EVERY_DAY.items() if day.month == 4}
    year = grid.year_grid(2025, marks, CALENDAR, set(), TODAY)
    assert year.unknown == sum(day.month == 5 for day in PAST) - 1  # today's may still come
    assert year.sick + year.other == 0


def test_provisional_counts_when_its_day_has_settled() -> None:
    marks = {**EVERY_DAY, PAST[-1]: (int(SICK), int(AttendanceFlag.provisional))}
    before = grid.window_lines(marks, CALENDAR, set(), TODAY, {})
    after = grid.window_lines(marks, CALENDAR, {PAST[-1]}, TODAY, {})
    assert (before[0].sick, after[0].sick) == (0, 1)
    assert not grid.cell(PAST[-1], marks, CALENDAR, set(), TODAY).settled
    assert grid.cell(PAST[-1], marks, CALENDAR, {PAST[-1]}, TODAY).settled


def test_windows_beside_the_same_number_before() -> None:
    marks = with_marks(back_0=SICK, back_1=OTHER, back_4=AttendanceCode.suspended, back_6=SICK, back_12=SICK)
    lines = {line.school_days: line for line in grid.window_lines(marks, CALENDAR, set(), TODAY, {})}
    assert (lines[5].sick, lines[5].other, lines[5].counted, lines[5].previous_absent) == (1, 1, 4, 1)
    assert (lines[10].sick, lines[10].previous_absent) == (2, 1)
    assert lines[30].previous_absent is None  # not that many days before
    assert 60 not in lines


def test_the_mean_classmate_is_known_only_when_every_day_is() -> None:
    tallies = {day: Tally(30, 3) for day in PAST}
    line = grid.window_lines(EVERY_DAY, CALENDAR, set(), TODAY, tallies)[0]
    assert line.class_mean == pytest.approx(0.5)
    newest = tallies.pop(PAST[-1])  # today, not settled yet: taken to be like the days before
    assert grid.window_lines(EVERY_DAY, CALENDAR, set(), TODAY, tallies)[0].class_mean == pytest.approx(0.5)
    tallies[PAST[-1]] = newest
    del tallies[PAST[-2]]
    assert grid.window_lines(EVERY_DAY, CALENDAR, set(), TODAY, tallies)[0].class_mean is None


def test_series_has_one_value_for_each_past_school_day() -> None:
    found = grid.window_series(
        with_marks(back_0=SICK, back_19=SICK, back_20=SICK), CALENDAR, set(), TODAY, {}
    )
    assert list(found.dates) == PAST
    assert len(found.absent_20) == len(found.late_20) == len(found.class_absent_20) == len(PAST)
    assert found.absent_20[-1] == 2


@pytest.mark.parametrize(
    ("absent", "moved_in", "expected"),
    [
        ({}, False, LongAbsence.none),
        ({}, True, LongAbsence.unknown),
        ({4: 9, 5: 9}, False, LongAbsence.none),
        ({5: 10}, False, LongAbsence.new),
        ({4: 10}, False, LongAbsence.standing),
        ({4: 10}, True, LongAbsence.standing),
        ({4: 9, 5: 9, 6: 9, 7: 3}, False, LongAbsence.new),
        ({4: 9, 5: 9, 6: 9, 7: 0, 9: 9}, False, LongAbsence.none),
    ],
)
def test_long_absence(absent: dict[int, int], moved_in: bool, expected: LongAbsence) -> None:
    counts = {date(2025, month, 1): count for month, count in absent.items()}
    month = date(2025, 7 if absent.get(7) else 5, 1)
    assert longabsence.status(counts, month, moved_in, LongAbsenceRule.toda_2021) == expected


@pytest.mark.parametrize(
    ("absent", "expected"),
    [
        ({4: 20, 5: 9}, LongAbsence.none),
        ({4: 20, 5: 10}, LongAbsence.new),
        ({4: 31}, LongAbsence.standing),
        ({4: 15, 5: 15, 6: 0, 7: 1}, LongAbsence.standing),
    ],
)
def test_long_absence_by_the_national_rule(absent: dict[int, int], expected: LongAbsence) -> None:
    counts = {date(2025, month, 1): count for month, count in absent.items()}
    month = date(2025, 7 if absent.get(7) else 5, 1)
    assert longabsence.status(counts, month, False, LongAbsenceRule.national_2015) == expected
    assert longabsence.least(LongAbsenceRule.national_2015) == 30


def test_the_nearest_calendar_holds() -> None:
    def scoped(grade: int, label: str, day: int) -> Scoped:
        return Scoped(grade, label, {date(2025, 4, day): DayKind.school_day})

    published = [scoped(0, "", 1), scoped(3, "", 2), scoped(3, "1", 3)]
    found = [
        nearest(published, grade, label).school_days(TODAY)[0].day
        for grade, label in ((1, "1"), (3, "2"), (3, "1"))
    ]
    assert found == [1, 2, 3]
    assert nearest([], 1, "1").kind(TODAY) is None
    assert CALENDAR.kind(date(2025, 5, 17)) is DayKind.holiday


def pulse(member: str, at: int, received: int, applied: int, partition: int = 0) -> ConsumerPulsed:
    lane = LaneState("records", partition, 0, received, received, applied, 0, 0, 0, 0, received)
    when = datetime(2025, 6, 16, tzinfo=UTC) + timedelta(seconds=at)
    counts = [TopicCount("records", received)]
    return ConsumerPulsed("identity", "identity.records", member, [lane], [], counts, False, when)


def test_reconciliation_counts_a_partition_once() -> None:
    now = datetime(2025, 6, 16, tzinfo=UTC) + timedelta(seconds=12)
    found = reconcile([pulse("m0", 0, 5, 5), pulse("m1", 10, 9, 9), pulse("m1", 10, 4, 4, partition=1)], now)
    assert found.difference == 0
    assert found.consumers[0].received == 13
    lost = reconcile([pulse("m0", 10, 9, 8)], now)
    assert (lost.difference, lost.consumers[0].outcome_difference) == (1, 1)
    assert reconcile([pulse("m0", -60, 9, 9)], now).consumers[0].silent


def test_a_partition_that_stopped_is_named_with_its_reason_while_its_member_speaks() -> None:
    now = datetime(2025, 6, 16, tzinfo=UTC)
    stop = LaneStop("records", 3, StopReason.too_many_bad)
    stopped = msgspec.structs.replace(pulse("m0", 0, 5, 5), stopped=True, stops=[stop])
    (line,) = reconcile([stopped, pulse("m1", 0, 4, 4, partition=1)], now).consumers
    assert line.stopped
    assert [(each.topic, each.partition, each.reason) for each in line.stops] == [
        ("records", 3, StopReason.too_many_bad)
    ]
    (line,) = reconcile([stopped], now + timedelta(minutes=1)).consumers
    assert line.stops == () and line.silent


def test_survey_figures_by_audience_keep_no_answer() -> None:
    indicators = [
        Indicator("enjoy_math", 5),
        Indicator("enjoy_home", 3),
        Indicator("teacher", 1),
        Indicator("family_talk", 4),
        Indicator("game_time", 5),
    ]
    assert tally(indicators) == {
        SurveyPart.general: (1, 2),
        SurveyPart.about_teacher: (0, 1),
        SurveyPart.about_family: (1, 1),
    }


def test_the_school_used_name_is_shown_and_every_name_is_found() -> None:
    names = [
        ProfileName("李", "明", "リ", "メイ"),
        ProfileName("山田", "明", "ヤマダ", "アキラ", school_name=True),
    ]
    name, kana, others, search = shown(names)
    assert (name, kana, others) == ("山田 明", "ヤマダ アキラ", "李 明")
    for text in ("李明", "やまだ", "ﾔﾏﾀﾞ ｱｷﾗ", "りめい"):
        assert searchable(text) in search


@pytest.mark.parametrize("text", ["ヤマダ", "やまだ", "ﾔﾏﾀﾞ", " ヤ マ ダ "])
def test_one_form_for_every_way_of_typing(text: str) -> None:
    assert searchable(text) == "やまだ"
