"""What the sources write: contracts kept, order of writing, and the same days when everything is applied."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

import msgspec
import numpy as np
import pytest

from contracts import records
from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from contracts.codes import DayKind, SurveyKind
from contracts.registry import decoder, encode
from simulator import build_city, demo, world
from simulator.cloudevents import to_lines
from simulator.drafts import OFFICE, SURVEYS, japan_time
from simulator.recording import Act
from simulator.registry_records import pupil_id
from simulator.schools import grade_number
from simulator.surveys import answer_surveys
from tests.unit.simulator.cities import YEARS, demo_city, demo_events, whole_city

JAPAN = timedelta(hours=9)
Body = TypeVar("Body")


def bodies(kind: type[Body]) -> list[Body]:
    return [event.body for event in demo_events() if isinstance(event.body, kind)]


def test_every_event_fits_its_contract() -> None:
    for event in demo_events():
        assert decoder(event.meta.type).decode(encode(event.body)) == event.body


def test_events_come_in_order_of_writing_with_ids_of_their_own() -> None:
    events = demo_events()
    times = [event.meta.recorded_at for event in events]
    assert times == sorted(times)
    assert len({event.meta.id for event in events}) == len(events)
    assert all(event.meta.time <= event.meta.recorded_at for event in events)


def test_events_are_the_same_for_the_same_seed() -> None:
    again = build_city(demo(world("base", 11)), YEARS)
    assert tuple(event for year in YEARS for day in again.days(year) for event in day.events) == demo_events()


def test_ids_hold_no_pupil_number() -> None:
    assert all(
        len(event.meta.id) == 32 and set(event.meta.id) <= set("0123456789abcdef") for event in demo_events()
    )


def test_japanese_morning_is_the_evening_before_in_utc() -> None:
    assert japan_time(date(2025, 6, 9), 8 * 60 + 40) == datetime(2025, 6, 8, 23, 40, tzinfo=UTC)


def test_days_are_dated_in_japan() -> None:
    city = demo_city()
    for day in city.days(2025):
        assert {(event.meta.recorded_at + JAPAN).date() for event in day.events} <= {day.date}


def test_a_morning_runs_provisional_then_confirmed() -> None:
    minutes: defaultdict[str, list[int]] = defaultdict(list)
    for event in demo_events():
        at = event.meta.recorded_at + JAPAN
        body = event.body
        if isinstance(body, records.RollCallTaken):
            minutes["taken"].append(at.hour * 60 + at.minute)
        elif isinstance(body, records.AttendanceRecorded) and body.flags & Flag.provisional:
            minutes["provisional"].append(at.hour * 60 + at.minute)
            assert body.code is not Code.present
    assert 480 <= min(minutes["provisional"]) <= max(minutes["provisional"]) < 530
    assert 530 <= min(minutes["taken"]) <= max(minutes["taken"]) < 660


def test_one_roll_call_per_class_and_school_day_but_for_the_forgotten() -> None:
    city, year = demo_city(), 2025
    calls = [body for body in bodies(records.RollCallTaken) if body.school_year == year]
    assert len({(c.school, c.grade, c.class_label, c.date) for c in calls}) == len(calls)
    calendar, roster = city.calendar(year), city.roster(year)
    expected = sum(int(calendar.open[room.school, room.grade].sum()) for room in roster.classes)
    forgotten = expected - len(calls)
    assert 0 < forgotten < 0.01 * expected
    assert np.mean([len(call.exceptions) for call in calls]) < 4


def test_exceptions_belong_to_the_class() -> None:
    city = demo_city()
    roster, year = city.roster(2025), 2025
    member: defaultdict[tuple[str, int, str], set[str]] = defaultdict(set)
    for pupil, room in zip(roster.pupil.tolist(), roster.room.tolist(), strict=True):
        of = roster.classes[room]
        member[city.schools[of.school].code, grade_number(of.grade), of.label].add(pupil_id(pupil))
    for call in bodies(records.RollCallTaken):
        if call.school_year == year:
            named = {each.pupil.source_id for each in call.exceptions}
            assert named <= member[call.school, call.grade, call.class_label]


@pytest.mark.parametrize("year", YEARS)
def test_applying_all_events_gives_the_register(year: int) -> None:
    """Last writer wins: the days a reader of the events ends with are those of the register."""
    city = demo_city()
    roster, calendar, register = city.roster(year), city.calendar(year), city.register(year)
    index = {day: position for position, day in enumerate(calendar.days)}
    days = {}
    for row, pupil in enumerate(roster.pupil.tolist()):
        days[pupil_id(pupil), city.schools[int(roster.school[row])].code] = row
    rooms = {
        (city.schools[room.school].code, grade_number(room.grade), room.label): n
        for n, room in enumerate(roster.classes)
    }
    status = np.where(register.final_status == Code.no_school, Code.no_school, Code.unknown)
    flags = np.zeros_like(status)
    enrolled = city.attendance(year).enrolled
    for day in city.days(year):
        for event in day.events:
            body = event.body
            if isinstance(body, records.RollCallTaken):
                at = index[body.date]
                members = np.flatnonzero(
                    (roster.room == rooms[body.school, body.grade, body.class_label]) & enrolled[:, at]
                )
                status[members, at], flags[members, at] = Code.present, 0
                for each in body.exceptions:
                    row = days[str(each.pupil.source_id), body.school]
                    status[row, at], flags[row, at] = each.code, each.flags
            elif isinstance(body, records.AttendanceRecorded):
                row = days[str(body.pupil.source_id), body.school]
                status[row, index[body.date]], flags[row, index[body.date]] = body.code, body.flags
            elif isinstance(body, records.AttendanceRetracted):
                row = days[str(body.pupil.source_id), body.school]
                status[row, index[body.date]], flags[row, index[body.date]] = Code.unknown, 0
    assert np.array_equal(status, register.final_status)
    assert np.array_equal(flags, register.final_flags)


def test_the_register_ends_close_to_what_happened() -> None:
    city = whole_city()
    days, register = city.attendance(2025), city.register(2025)
    known = days.enrolled & (register.final_status != Code.unknown)
    settled = known & ((register.final_flags & Flag.provisional) == 0)
    assert np.array_equal(register.final_status[settled], days.status[settled])
    assert np.array_equal(register.final_flags[settled], days.flags[settled])
    unrecorded = (days.enrolled & ~settled).sum() / days.enrolled.sum()
    assert 0.0005 < unrecorded < 0.01


def test_sickness_becomes_suspension_days_later() -> None:
    city = whole_city()
    entries = city.register(2025).entries
    late = (entries.act == Act.correct) & (entries.code == Code.suspended)
    before_the_last = late & (entries.day < len(city.calendar(2025).days) - 1)
    assert before_the_last.sum() > 500
    assert (entries.on - entries.day)[before_the_last].min() >= 1
    assert np.all(city.register(2025).first_status[entries.row[late], entries.day[late]] == Code.sick)
    assert np.all(city.register(2025).final_status[entries.row[late], entries.day[late]] == Code.suspended)


def test_wrong_marks_are_withdrawn_and_set_right() -> None:
    city = whole_city()
    register = city.register(2025)
    entries = register.entries
    gone = entries.act == Act.retract
    assert gone.sum() > 20
    assert np.all(register.final_status[entries.row[gone], entries.day[gone]] == Code.present)


def test_the_first_of_april_brings_the_registry() -> None:
    city = demo_city()
    first = next(iter(city.days(2024)))
    assert first.date == date(2024, 4, 1)
    kinds = Counter(event.meta.type for event in first.events)
    assert kinds["school-registered"] == 2
    assert kinds["class-registered"] == len(city.roster(2024).classes)
    assert kinds["pupil-registered"] == kinds["pupil-enrolled"] == (city.roster(2024).first == 0).sum()
    second = next(iter(city.days(2025)))
    again = Counter(event.meta.type for event in second.events)
    assert again["school-registered"] == 0
    assert again["pupil-registered"] < 0.4 * again["pupil-enrolled"]


def test_a_child_keeps_its_number_and_is_registered_before_it_is_named() -> None:
    known: set[str] = set()
    for event in demo_events():
        body = event.body
        if isinstance(body, records.PupilRegistered):
            assert body.pupil_id not in known
            known.add(body.pupil_id)
        elif isinstance(body, records.PupilEnrolled):
            assert body.pupil_id in known
        elif isinstance(body, records.AttendanceRecorded):
            assert body.pupil.source_id in known


def test_moves_close_one_enrolment_and_open_another() -> None:
    city = whole_city()
    last: dict[str, records.PupilEnrolled] = {}
    by_pupil: defaultdict[str, set[str]] = defaultdict(set)
    for day in city.days(2024):
        for event in day.events:
            if isinstance(event.body, records.PupilEnrolled):
                last[event.body.enrolment_id] = event.body
                by_pupil[event.body.pupil_id].add(event.body.enrolment_id)
    movers = [
        sorted((last[e] for e in found), key=lambda e: e.valid_from)
        for found in by_pupil.values()
        if len(found) > 1
    ]
    assert movers
    for old, new in movers:
        assert old.valid_to == new.valid_from
        assert old.school != new.school
    assert sum(enrolment.moved_in for enrolment in last.values()) > 100
    assert all(enrolment.valid_from < enrolment.valid_to for enrolment in last.values())


def test_a_storm_is_announced_the_evening_before() -> None:
    city = next(
        city
        for seed in range(20)
        if (city := build_city(demo(world("base", seed)), (2025,))).calendar(2025).storm >= 0
    )
    calendar = city.calendar(2025)
    storm = calendar.days[calendar.storm]
    announced = [
        event
        for day in city.days(2025)
        for event in day.events
        if isinstance(event.body, records.CalendarPublished)
        and any(each.date == storm and each.kind is DayKind.closure for each in event.body.days)
    ]
    assert len(announced) == 3
    assert all(
        (event.meta.recorded_at + JAPAN).date() == calendar.days[calendar.storm - 1] for event in announced
    )
    assert np.all(city.attendance(2025).status[:, calendar.storm] != Code.present)


def test_calendars_say_what_the_classes_live() -> None:
    city = demo_city()
    found = [body for body in bodies(records.CalendarPublished) if body.school_year == 2025]
    whole = next(body for body in found if body.school == city.schools[0].code)
    listed = {each.date for each in whole.days if each.kind is not DayKind.closure}
    calendar = city.calendar(2025)
    lived = {day for position, day in enumerate(calendar.days) if calendar.open[0, 1, position]}
    closed = {calendar.days[calendar.storm]} if calendar.storm >= 0 else set()
    assert listed - closed == lived
    assert {body.grade for body in found if body.school == city.schools[1].code} == {None, 3}


def test_surveys_miss_more_of_those_who_stay_away() -> None:
    city = whole_city()
    days, roster = city.attendance(2025), city.roster(2025)
    at = city.calendar(2025).index_on_or_after(6, 15)
    asked = np.isin(roster.grade, (4, 5, 6, 7, 8, 9)) & days.enrolled[:, at]
    away = days.propensity[:, at] > city.settings.surveys.away_from
    rounds = answer_surveys(city.settings, city.years[2025], city.pupils)
    rows = next(a.row for a in rounds if (a.round.kind, a.round.number) == (SurveyKind.lesson, 1))
    missing = ~np.isin(np.arange(len(roster)), rows)
    assert missing[asked & ~away].mean() == pytest.approx(0.08, abs=0.015)
    assert missing[asked & away].mean() == pytest.approx(0.54, abs=0.15)


def test_every_sheet_becomes_one_event() -> None:
    city = demo_city()
    expected = sum(
        len(answers.row)
        for year in YEARS
        for answers in answer_surveys(city.settings, city.years[year], city.pupils)
    )
    assert len(bodies(records.SurveyAnswered)) == expected > 5000


def test_sources_name_children_in_their_own_ways() -> None:
    for event in demo_events():
        body = event.body
        if isinstance(body, records.SurveyAnswered):
            assert event.meta.source == SURVEYS
            assert body.pupil.source_id is None
            assert body.pupil.family_kana
            assert body.pupil.birth_date
        else:
            assert event.meta.source == OFFICE
        if isinstance(body, records.InfirmaryVisited):
            assert body.pupil.source_id is None
            assert body.pupil.number
            assert body.entered_minute is not None
            assert body.left_minute is not None
            assert body.entered_minute < body.left_minute


def test_a_few_survey_references_are_wrong_and_most_are_right() -> None:
    known = {
        (name.family_kana, name.given_kana, body.birth_date)
        for body in bodies(records.PupilRegistered)
        for name in body.names
    }
    refs = [body.pupil for body in bodies(records.SurveyAnswered)]
    wrong = [ref for ref in refs if (ref.family_kana, ref.given_kana, ref.birth_date) not in known]
    assert 0.002 < len(wrong) / len(refs) < 0.02


def test_lines_are_cloud_events() -> None:
    events = demo_events()[:200]
    for line, event in zip(to_lines(events), events, strict=True):
        read = msgspec.json.decode(line)
        assert read["specversion"] == "1.0"
        assert (read["id"], read["source"], read["type"]) == (
            event.meta.id,
            event.meta.source,
            event.meta.type,
        )
        assert datetime.fromisoformat(read["time"]) <= datetime.fromisoformat(read["recordedtime"])
        assert decoder(read["type"]).decode(msgspec.json.encode(read["data"])) == event.body
