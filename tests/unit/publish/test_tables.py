from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from contracts import records
from contracts.codes import AttendanceCode, AttendanceFlag, NameKind, Sex
from kizashi.publish import Unreadable, profiles, reader_of
from kizashi.publish.entries import Bad, Made
from kizashi.publish.profiles import load, shipped

AT = datetime(2026, 6, 10, tzinfo=UTC)
ATTENDANCE = (
    "学校コード,年度,学年,組,出席番号,個人番号,日付,出欠,遅刻,早退\r\n"
    "B101210000018,2026,5,2,7,P1,2026/06/10,病欠,,\r\n"
    "B101210000018,令和8年度,５年,すみれ,7,P2,令和8年6月10日,出席,1,○\r\n"
    "b101210000018,2026,5,2組,,P3,20260610,遅刻・早退,,\r\n"
    "B101210000018,2026,5,2,7,P4,2026-06-10,,,\r\n"
)


def entries(path: Path, profile: str = "soumu-attendance") -> list[Made | Bad]:
    found = list(reader_of([path], profile, AT).entries())
    assert all(isinstance(each, Made | Bad) for each in found)
    return [each for each in found if isinstance(each, Made | Bad)]


def write(tmp_path: Path, text: str, encoding: str = "utf-8", name: str = "出欠.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def bodies(found: list[Made | Bad]) -> list[msgspec.Struct]:
    assert [each for each in found if isinstance(each, Bad)] == []
    return [each.body for each in found if isinstance(each, Made)]


def test_marks_dates_years_and_widths_as_schools_write_them(tmp_path: Path) -> None:
    found = bodies(entries(write(tmp_path, ATTENDANCE)))
    assert all(isinstance(each, records.AttendanceRecorded) for each in found)
    days = [(b.code, b.flags, b.date, b.school, b.pupil.class_label) for b in found]  # type: ignore[attr-defined]
    day, school = date(2026, 6, 10), "B101210000018"
    both = int(AttendanceFlag.late | AttendanceFlag.left_early)
    assert days == [
        (AttendanceCode.sick, 0, day, school, "2"),
        (AttendanceCode.present, both, day, school, "すみれ"),
        (AttendanceCode.present, both, day, school, "2"),
        (AttendanceCode.unknown, 0, day, school, "2"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932"])
def test_three_encodings_give_the_same_events(tmp_path: Path, encoding: str) -> None:
    expected = [each.event("s") for each in entries(write(tmp_path, ATTENDANCE)) if isinstance(each, Made)]
    path = write(tmp_path, ATTENDANCE, encoding)
    assert [each.event("s") for each in entries(path) if isinstance(each, Made)] == expected
    assert len(expected) == 4


def test_another_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(ATTENDANCE.encode("utf-16"))
    with pytest.raises(Unreadable, match="CP932"):
        entries(path)


@pytest.mark.parametrize(
    ("old", "new", "column", "code"),
    [
        ("病欠", "カナリア病", "出欠", "free_text"),
        ("病欠", "病欠・忌引", "出欠", "bad_row"),
        ("2026/06/10", "2026/02/30", "日付", "impossible_date"),
        ("2026/06/10", "きのう", "日付", "impossible_date"),
        ("B101210000018,2026,5", "カナリア,2026,5", "学校コード", "schema"),
        ("2026,5,2,7,P1", "2026,5,2,七,P1", "出席番号", "bad_row"),
        ("2026,5,2,7,P1", "2026,13,2,7,P1", "学年", "schema"),
        ("2026,5,2,7,P1", "2026,,2,7,P1", "学年", "bad_row"),
        ("P1,2026/06/10,病欠,,", "P1,2026/06/10,病欠", "", "bad_row"),
    ],
)
def test_a_bad_cell_is_told_by_row_and_column_and_the_rest_goes_on(
    tmp_path: Path, old: str, new: str, column: str, code: str
) -> None:
    assert old in ATTENDANCE
    found = entries(write(tmp_path, ATTENDANCE.replace(old, new, 1)))
    (bad,) = [each for each in found if isinstance(each, Bad)]
    assert (bad.place.row, bad.column, bad.reason.code) == (2, column, code)
    assert len(found) == 4
    assert "カナリア" not in repr(bad)


def test_a_missing_column_stops_the_file(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="日付"):
        entries(write(tmp_path, ATTENDANCE.replace("日付", "月日", 1)))
    with pytest.raises(Unreadable, match="heading"):
        entries(write(tmp_path, ""))


def test_a_broken_row_does_not_hide_the_next(tmp_path: Path) -> None:
    lines = ATTENDANCE.split("\r\n")
    lines.insert(2, 'B101210000018,2026,5,2,7,P9,"2026/06/10" x,病欠,,')
    found = entries(write(tmp_path, "\r\n".join(lines)))
    assert [isinstance(each, Bad) for each in found] == [False, True, False, False, False]


def test_the_later_of_two_rows_on_one_day_is_the_newer_version(tmp_path: Path) -> None:
    twice = ATTENDANCE + "B101210000018,2026,5,2,7,P1,2026/06/10,出席停止,,\r\n"
    found = [each for each in entries(write(tmp_path, twice)) if isinstance(each, Made)]
    assert [each.sequence for each in found] == [0, 0, 0, 0, 1]
    assert {each.recorded_at for each in found} == {AT}


def test_a_time_of_its_own_is_the_version(tmp_path: Path) -> None:
    own = ATTENDANCE.replace("早退\r\n", "早退,更新日時\r\n", 1).replace(",,\r\n", ",,,2026/06/11 09:30\r\n")
    own = own.replace("1,○\r\n", "1,○,\r\n")
    found = [each for each in entries(write(tmp_path, own)) if isinstance(each, Made)]
    assert found[0].recorded_at == datetime(2026, 6, 11, 0, 30, tzinfo=UTC)
    assert found[1].recorded_at == AT


def test_the_same_file_is_the_same_events_and_a_corrected_one_is_not(tmp_path: Path) -> None:
    def ids(text: str) -> set[str]:
        found = [each for each in entries(write(tmp_path, text)) if isinstance(each, Made)]
        return {msgspec.json.decode(each.event("s"))["id"] for each in found}

    assert ids(ATTENDANCE) == ids(ATTENDANCE)
    assert len(ids(ATTENDANCE) - ids(ATTENDANCE.replace("病欠", "忌引"))) == 1


REGISTRY = (
    "学校コード,年度,学年,組,出席番号,個人番号,氏名,氏名カナ,学校使用名,学校使用名カナ,生年月日,性別,転入日,転出日\r\n"
    "B101210000018,2026,5,2,7,P1,山田　花子,ヤマダ ハナコ,佐藤 花子,サトウ ハナコ,H27.5.5,女,,\r\n"
    "B101210000018,2026,5,2,8,P2,グエン ヴァン アン,グエン ヴァン アン,,,2015/7/1,男,2026/9/1,2027/1/10\r\n"
    "B101210000018,2026,5,2,9,P3,山田花子,ヤマダ ハナコ,,,2015/7/1,男,,\r\n"
)


def test_a_row_of_the_class_list_is_a_class_a_pupil_and_an_enrolment(tmp_path: Path) -> None:
    found = entries(write(tmp_path, REGISTRY, "cp932"), "soumu-registry")
    made = [each.body for each in found if isinstance(each, Made)]
    kinds = [type(body).__name__ for body in made]
    assert kinds == [
        "ClassRegistered",
        "PupilRegistered",
        "PupilEnrolled",
        "PupilRegistered",
        "PupilEnrolled",
    ]
    first, second = made[1], made[3]
    assert isinstance(first, records.PupilRegistered)
    assert isinstance(second, records.PupilRegistered)
    assert [(n.family, n.given, n.kind) for n in first.names] == [
        ("山田", "花子", NameKind.registered),
        ("佐藤", "花子", NameKind.school),
    ]
    assert (first.birth_date, first.sex) == (date(2015, 5, 5), Sex.female)
    assert (second.names[0].family, second.names[0].given) == ("グエン", "ヴァン アン")
    stay, visit = made[2], made[4]
    assert isinstance(stay, records.PupilEnrolled)
    assert isinstance(visit, records.PupilEnrolled)
    assert (stay.valid_from, stay.valid_to, stay.moved_in) == (date(2026, 4, 1), date(2027, 4, 1), False)
    assert (visit.valid_from, visit.valid_to, visit.moved_in) == (date(2026, 9, 1), date(2027, 1, 10), True)


def test_a_name_that_cannot_be_parted_is_refused_by_its_column(tmp_path: Path) -> None:
    found = entries(write(tmp_path, REGISTRY), "soumu-registry")
    (bad,) = [each for each in found if isinstance(each, Bad)]
    assert (bad.place.row, bad.column) == (4, "氏名")


def test_a_roll_call_is_older_than_anything_sent_for_a_child_that_day(tmp_path: Path) -> None:
    text = "学校コード,年度,学年,組,日付,確認\r\nB101210000018,2026,5,2,2026/06/10,済\r\n"
    (made,) = entries(write(tmp_path, text), "soumu-roll-call")
    assert isinstance(made, Made)
    assert made.body == records.RollCallTaken("B101210000018", 2026, 5, "2", date(2026, 6, 10))
    assert made.recorded_at == datetime(2026, 6, 9, 20, 0, tzinfo=UTC)


def test_schools(tmp_path: Path) -> None:
    text = "学校コード,学校名,学校種\r\nB101210000018,第一小学校,小学校\r\nC139290001200,第一中学校,中\r\n"
    made, bad = entries(write(tmp_path, text), "soumu-schools")
    assert isinstance(made, Made)
    assert isinstance(bad, Bad)
    assert bad.column == "学校種"


@pytest.mark.parametrize("name", shipped())
def test_shipped_profiles_are_well_formed(name: str) -> None:
    profile = load(name)
    assert profile.name == name
    assert profile.title_ja and profile.title_en
    assert name in profiles()


def own_profiles() -> Iterator[tuple[str, str]]:
    yield "name: x\ntitle_ja: x\ntitle_en: x\ncolumns: {}\nevents: []\nfieldz: 1\n", "fieldz"
    yield (
        (
            "name: x\ntitle_ja: x\ntitle_en: x\ncolumns: {}\n"
            "events: [{type: school-registered, fields: {school: nowhere}}]\n"
        ),
        "nowhere",
    )
    yield "name: x\ntitle_ja: x\ntitle_en: x\ncolumns: {}\nevents: [{type: what, fields: {}}]\n", "what"
    yield "name: [\n", "well formed"


@pytest.mark.parametrize(("text", "told"), list(own_profiles()))
def test_a_profile_of_ones_own_is_checked(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(Unreadable, match=told):
        load(str(path))


def test_unknown_profiles_and_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="soumu-attendance"):
        load("nothing")
    with pytest.raises(Unreadable, match="absent"):
        reader_of([tmp_path / "absent.csv"], "soumu-attendance")


def test_a_simulated_office_exports_what_the_profiles_read(tmp_path: Path) -> None:
    from simulator.files import MARKS

    rows = [
        ["B101210000018", "2026", "5", "2", "7", "P1", "山田 花子", "2026/06/10", m, *[""] * 4]
        for m in MARKS.values()
    ]
    heading = (
        "学校コード 年度 学年 組 出席番号 個人番号 氏名 日付 出欠区分 遅刻 早退 別室登校 出席扱い".split()
    )
    path = tmp_path / "出欠_202606.csv"
    with path.open("w", encoding="cp932", newline="") as stream:
        csv.writer(stream).writerows([heading, *rows])
    found = bodies(entries(path))
    assert [body.code for body in found] == list(MARKS)  # type: ignore[attr-defined]
