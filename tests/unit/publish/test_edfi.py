"""Against the Ed-Fi sample district, counted independently of the reader."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from contracts import records
from contracts.codes import AttendanceCode, AttendanceFlag, SchoolKind
from kizashi.publish.edfi.calendar import Plan, Span, days_off, school_days, weekdays
from kizashi.publish.edfi.mapping import absence, day_of, halves
from kizashi.publish.edfi.reader import EdFi
from kizashi.publish.entries import Bad, Made, Unreadable
from services.ingest.dates import Window
from services.ingest.shapes import schools_of
from services.ingest.validate import Draft, Grant, judge
from tests.support.edfi import EVENTS, sample_district
from tests.unit.ingest.samples import envelope

NAMESPACE = "{http://ed-fi.org/5.2.0}"
AT = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module", name="district")
def _district() -> Path:
    return sample_district()


def independent_events(district: Path) -> list[tuple[str, str, str, str]]:
    """(student, school, date, category) of every event, by a plain parse with the standard library."""
    path = f"{NAMESPACE}AttendanceEvent/{NAMESPACE}"
    student = f"{NAMESPACE}StudentReference/{NAMESPACE}StudentIdentity/{NAMESPACE}StudentUniqueId"
    school = f"{NAMESPACE}SchoolReference/{NAMESPACE}SchoolIdentity/{NAMESPACE}SchoolId"
    root = ElementTree.parse(district / "StudentSchoolAttendance.xml").getroot()
    found = []
    for event in root:
        category = str(event.findtext(f"{path}AttendanceEventCategory")).split("#")[1]
        found.append(
            (
                str(event.findtext(student)),
                str(event.findtext(school)),
                str(event.findtext(f"{path}EventDate")),
                category,
            )
        )
    return found


@pytest.fixture(scope="module")
def made(district: Path) -> list[Made]:
    found = list(EdFi([district], AT).entries())
    assert [each for each in found if not isinstance(each, Made)] == []
    return [each for each in found if isinstance(each, Made)]


def of(made: list[Made], kind: type) -> list[Made]:
    return [each for each in made if isinstance(each.body, kind)]


def test_every_attendance_event_is_accounted_for(district: Path, made: list[Made]) -> None:
    attendance = of(made, records.AttendanceRecorded)
    expected = Counter((student, day, school) for student, school, day, _ in independent_events(district))
    found: Counter[tuple[str, str, str]] = Counter()
    for each in attendance:
        body = each.body
        assert isinstance(body, records.AttendanceRecorded)
        found[str(body.pupil.source_id), body.date.isoformat(), body.school] += 1
    assert sum(expected.values()) == EVENTS
    assert found == expected
    assert len({student for student, _, _ in found}) == 227


def test_absences_per_student_equal_an_independent_count(district: Path, made: list[Made]) -> None:
    last: dict[tuple[str, str], str] = {}
    for student, _, day, category in independent_events(district):
        last[student, day] = category
    expected = Counter(student for (student, _), category in last.items() if "Absence" in category)
    winners: dict[tuple[str, date], Made] = {}
    for each in of(made, records.AttendanceRecorded):
        assert isinstance(each.body, records.AttendanceRecorded)
        key = (str(each.body.pupil.source_id), each.body.date)
        held = winners.get(key)
        if held is None or (held.recorded_at, held.sequence) < (each.recorded_at, each.sequence):
            winners[key] = each
    absent = (AttendanceCode.sick, AttendanceCode.other)
    found = Counter(student for (student, _), each in winners.items() if each.body.code in absent)  # type: ignore[attr-defined]
    assert found == expected
    assert len(last) == 1916  # one student has two events on one day


def test_everybody_seen_is_registered_and_enrolled_where_seen(district: Path, made: list[Made]) -> None:
    registered = {each.body.pupil_id for each in of(made, records.PupilRegistered)}  # type: ignore[attr-defined]
    seen = {(student, school) for student, school, _, _ in independent_events(district)}
    enrolled = {(e.body.pupil_id, e.body.school) for e in of(made, records.PupilEnrolled)}  # type: ignore[attr-defined]
    assert enrolled == seen
    assert {student for student, _ in seen} <= registered
    assert len({student for student, _ in enrolled}) == 227
    assert len(registered) == 960


def test_every_school_day_begins_with_everybody_present_and_older(made: list[Made]) -> None:
    calls = {(e.body.school, e.body.date): e for e in of(made, records.RollCallTaken)}  # type: ignore[attr-defined]
    calendar = {
        (each.body.school, day.date)  # type: ignore[attr-defined]
        for each in of(made, records.CalendarPublished)
        for day in each.body.days  # type: ignore[attr-defined]
    }
    assert set(calls) == calendar
    for each in of(made, records.AttendanceRecorded):
        call = calls[each.body.school, each.body.date]  # type: ignore[attr-defined]
        assert call.recorded_at < each.recorded_at
    assert len([day for school, day in calendar if school == "255901044"]) in range(169, 180)


def test_thanksgiving_and_the_spring_break_are_no_school_days(district: Path) -> None:
    days = EdFi([district], AT).survey.days("255901044")
    assert not {date(2021, 11, 25), date(2021, 11, 26)} & set(days)
    assert not {date(2022, 3, 14) + timedelta(n) for n in range(5)} & set(days)


@pytest.mark.parametrize(
    ("required", "outcome"), [("1", pytest.fail.Exception), ("0", pytest.skip.Exception)]
)
def test_without_the_district_these_fail_where_everything_is_required(
    required: str, outcome: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUIRE_BACKENDS", required)
    with pytest.raises(outcome, match="is not on this machine"):
        sample_district(tmp_path / "shared" / "data" / "edfi")


def test_schools_and_their_kinds(made: list[Made]) -> None:
    schools = {e.body.school: e.body.kind for e in of(made, records.SchoolRegistered)}  # type: ignore[attr-defined]
    assert schools == {
        "255901001": SchoolKind.other,
        "255901044": SchoolKind.junior_high,
        "255901107": SchoolKind.elementary,
    }


def test_the_door_takes_everything(made: list[Made]) -> None:
    """What the reader makes passes the rules of ingest, as of a day on which the dates are possible."""
    drafts = [Draft(envelope(), e.body, e.recorded_at, e.recorded_at, e.sequence) for e in made]
    schools = {school for each in drafts for _, school in schools_of(each.body)}
    assert schools == {"255901001", "255901044", "255901107"}
    for each in drafts:
        judge(each, Grant("edfi"), schools, Window.at(AT))


# --- without the district ---

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
FILES = {
    "EducationOrganization.xml": (
        "<I><School><SchoolId>9001</SchoolId><NameOfInstitution>North</NameOfInstitution>"
        "<GradeLevel>uri#Third grade</GradeLevel><GradeLevel>uri#First grade</GradeLevel></School></I>"
    ),
    "EducationOrgCalendar.xml": (
        "<I><Session><BeginDate>2022-03-28</BeginDate><EndDate>2022-04-08</EndDate>"
        "<TotalInstructionalDays>10</TotalInstructionalDays>"
        "<SchoolReference><SchoolIdentity><SchoolId>9001</SchoolId></SchoolIdentity></SchoolReference></Session></I>"
    ),
    "Student.xml": (
        "<I><Student><StudentUniqueId>7</StudentUniqueId><Name><FirstName>Ann</FirstName>"
        "<LastSurname>Lee</LastSurname><PreferredFirstName>Annie</PreferredFirstName></Name>"
        "<BirthData><BirthDate>2014-11-13</BirthDate></BirthData></Student></I>"
    ),
    "StudentSchoolAttendance.xml": (
        "<I><StudentSchoolAttendanceEvent><AttendanceEvent><EventDate>2022-04-04</EventDate>"
        "<AttendanceEventCategory>uri#Excused Absence</AttendanceEventCategory>"
        "<AttendanceEventReason>Illness</AttendanceEventReason></AttendanceEvent>"
        "<StudentReference><StudentIdentity><StudentUniqueId>7</StudentUniqueId></StudentIdentity></StudentReference>"
        "<SchoolReference><SchoolIdentity><SchoolId>9001</SchoolId></SchoolIdentity></SchoolReference>"
        "</StudentSchoolAttendanceEvent></I>"
    ),
}


def folder(tmp_path: Path, **changes: str) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(HEAD + changes.get(name.removesuffix(".xml"), text), "utf-8")
    return tmp_path


def test_a_year_is_cut_at_the_first_of_april(tmp_path: Path) -> None:
    made = [each for each in EdFi([folder(tmp_path)], AT).entries() if isinstance(each, Made)]
    enrolled = [each.body for each in of(made, records.PupilEnrolled)]
    spans = [(b.school_year, b.valid_from, b.valid_to, b.grade) for b in enrolled]  # type: ignore[attr-defined]
    assert spans == [
        (2021, date(2022, 3, 28), date(2022, 4, 1), 1),
        (2022, date(2022, 4, 1), date(2022, 4, 9), 1),
    ]
    calls = [each.body for each in of(made, records.RollCallTaken)]
    assert Counter(body.school_year for body in calls) == {2021: 4, 2022: 6}  # type: ignore[attr-defined]
    (attendance,) = of(made, records.AttendanceRecorded)
    assert attendance.body.code is AttendanceCode.sick  # type: ignore[attr-defined]
    (pupil,) = of(made, records.PupilRegistered)
    assert [(n.family, n.given) for n in pupil.body.names] == [("Lee", "Ann"), ("Lee", "Annie")]  # type: ignore[attr-defined]
    assert pupil.body.names[0].family_kana is None  # type: ignore[attr-defined]


def test_the_order_is_the_one_in_which_records_can_be_used(tmp_path: Path) -> None:
    made = [each for each in EdFi([folder(tmp_path)], AT).entries() if isinstance(each, Made)]
    kinds = list(dict.fromkeys(type(each.body).__name__ for each in made))
    assert kinds == [
        "SchoolRegistered",
        "ClassRegistered",
        "CalendarPublished",
        "PupilRegistered",
        "PupilEnrolled",
        "RollCallTaken",
        "AttendanceRecorded",
    ]


@pytest.mark.parametrize(
    ("old", "new", "column"),
    [
        ("uri#Excused Absence", "uri#カナリア", "AttendanceEventCategory"),
        ("<EventDate>2022-04-04</EventDate>", "", "EventDate"),
        ("<EventDate>2022-04-04</EventDate>", "<EventDate>2022-13-04</EventDate>", "EventDate"),
        ("<StudentUniqueId>7</StudentUniqueId>", "", "StudentUniqueId"),
        (
            "<StudentUniqueId>7</StudentUniqueId>",
            "<StudentUniqueId>7 7</StudentUniqueId>",
            "/pupil/source_id",
        ),
    ],
)
def test_a_bad_event_is_refused_alone_by_its_number(tmp_path: Path, old: str, new: str, column: str) -> None:
    text = FILES["StudentSchoolAttendance.xml"].replace(old, new)
    assert text != FILES["StudentSchoolAttendance.xml"]
    found = list(EdFi([folder(tmp_path, StudentSchoolAttendance=text)], AT).entries())
    bad = [each for each in found if isinstance(each, Bad)]
    assert [(each.place.row, each.column) for each in bad if "Attendance" in each.place.file] == [(1, column)]
    assert "カナリア" not in repr(bad)


BOMB = (
    '<!DOCTYPE I [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]><I><Student><StudentUniqueId>&c;</StudentUniqueId></Student></I>'
)
OUTSIDE = '<!DOCTYPE I [<!ENTITY x SYSTEM "file:///etc/hostname">]><I><Student>&x;</Student></I>'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BOMB, "DOCTYPE"),
        (OUTSIDE, "DOCTYPE"),
        ("<!DOCTYPE I><I/>", "DOCTYPE"),
        ("<I><Student>", "not well-formed"),
        ("<I>" + "<a>" * 40 + "</a>" * 40 + "</I>", "too deeply"),
        ("<I><Student>" + "<a/>" * 6000 + "</Student></I>", "too many"),
    ],
)
def test_hostile_xml_ends_in_a_clear_error(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        list(EdFi([folder(tmp_path, Student=text)], AT).entries())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (folder(tmp_path) / "Student.xml").unlink()
    with pytest.raises(Unreadable, match=r"Student\.xml"):
        EdFi([tmp_path])


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("Illness", AttendanceCode.sick),
        ("Sick leave", AttendanceCode.sick),
        ("Medical appointment", AttendanceCode.sick),
        ("Absent excused", AttendanceCode.other),
        ("", AttendanceCode.other),
        ("Unwilling", AttendanceCode.other),
        ("Suspended from school", AttendanceCode.suspended),
        ("Bereavement", AttendanceCode.bereaved),
    ],
)
def test_the_reason_decides_the_kind_of_absence(reason: str, code: AttendanceCode) -> None:
    assert absence(reason) is code
    for category in ("Excused Absence", "Unexcused Absence"):
        assert day_of(category, reason, arrived=False, departed=False) == (code, 0)


@pytest.mark.parametrize(
    ("category", "arrived", "departed", "flags"),
    [
        ("In Attendance", False, False, 0),
        ("Present", False, False, 0),
        ("Tardy", True, False, AttendanceFlag.late),
        ("Early departure", False, True, AttendanceFlag.left_early),
        ("Partial", False, False, AttendanceFlag.left_early),
        ("Partial", True, False, AttendanceFlag.late),
        ("Partial", True, True, AttendanceFlag.late | AttendanceFlag.left_early),
    ],
)
def test_presence_and_its_flags(category: str, arrived: bool, departed: bool, flags: int) -> None:
    assert day_of(category, "", arrived=arrived, departed=departed) == (AttendanceCode.present, flags)
    assert day_of("Vanished", "", arrived=False, departed=False) is None


def test_days_off_are_the_longest_empty_runs() -> None:
    span = Span(date(2022, 3, 7), date(2022, 3, 25), 10)  # three weeks, five days off
    busy = {day for day in weekdays(span.first, span.last) if day.isocalendar().week != 11}
    busy.discard(date(2022, 3, 8))
    assert days_off(span, busy) == {date(2022, 3, 14) + timedelta(n) for n in range(5)}
    assert days_off(Span(span.first, span.last, 15), busy) == set()


def test_listed_days_are_taken_as_they_are_when_they_are_complete() -> None:
    session = Span(date(2022, 3, 7), date(2022, 3, 11), 2)
    listed = {date(2022, 3, 7), date(2022, 3, 9)}
    assert school_days(Plan([session], listed=listed), set(), set()) == sorted(listed)
    sunday = date(2022, 3, 13)
    assert school_days(Plan([session], listed=listed), set(), {sunday}) == [*sorted(listed), sunday]


def test_halves() -> None:
    assert halves(date(2021, 8, 23), date(2022, 5, 28)) == [
        (2021, date(2021, 8, 23), date(2022, 4, 1)),
        (2022, date(2022, 4, 1), date(2022, 5, 28)),
    ]
    assert halves(date(2022, 4, 1), date(2022, 4, 1)) == []
