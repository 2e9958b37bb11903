"""What a day looks like: letter, shape and name; and how the two charts' data are laid out."""

from datetime import date

import pytest

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from contracts.codes import DayKind
from services.gateway.pages import charts, marks, people
from services.gateway.views import DayCell, Language, WindowSeries

TUESDAY = date(2026, 6, 9)


def cell(
    code: Code, flags: int = 0, kind: DayKind | None = DayKind.school_day, future: bool = False
) -> DayCell:
    return DayCell(TUESDAY, kind, code, flags, future=future)


@pytest.mark.parametrize(
    ("day", "kind", "letters", "name"),
    [
        (cell(Code.present), "present", "", "6月9日(火) 出席"),
        (cell(Code.sick), "sick", "病", "6月9日(火) 病欠"),
        (cell(Code.other), "other", "事", "6月9日(火) 事故欠"),
        (cell(Code.suspended), "excused", "停", "6月9日(火) 出席停止"),
        (cell(Code.bereaved), "excused", "忌", "6月9日(火) 忌引"),
        (cell(Code.present, Flag.late), "partial", "チ", "6月9日(火) 遅刻"),
        (cell(Code.present, Flag.late | Flag.left_early), "partial", "チ早", "6月9日(火) 遅刻・早退"),
        (cell(Code.present, Flag.separate_room), "room", "別", "6月9日(火) 別室登校"),
        (cell(Code.sick, Flag.provisional), "sick", "病", "6月9日(火) 病欠 (確定前)"),
        (cell(Code.unknown), "unknown", "", "6月9日(火) 未記録"),
        (cell(Code.unknown, future=True), "future", "", "6月9日(火)"),
        (cell(Code.unknown, kind=DayKind.holiday), "free", "", "6月9日(火) 授業なし"),
        (cell(Code.unknown, kind=DayKind.closure), "free", "", "6月9日(火) 授業なし"),
        (cell(Code.unknown, kind=None), "free", "", "6月9日(火) 授業なし"),
        (cell(Code.class_closed), "closed", "閉", "6月9日(火) 学級閉鎖"),
    ],
)
def test_a_day_has_a_shape_a_letter_and_a_name(day: DayCell, kind: str, letters: str, name: str) -> None:
    mark = marks.mark(day, Language.ja)
    assert (mark.kind, mark.letters, mark.name) == (kind, letters, name)


def test_no_two_marks_of_the_legend_look_the_same() -> None:
    looks = [(mark.kind, mark.letters, mark.provisional) for mark in marks.legend(Language.ja)]
    assert len(set(looks)) == len(looks) == 14


def test_a_row_has_31_places_and_leaves_out_days_the_month_lacks() -> None:
    row = marks.row_of(
        [DayCell(date(2026, 6, n), DayKind.school_day, Code.present) for n in range(1, 31)], Language.ja
    )
    assert len(row) == 31
    assert row[30] is None and None not in row[:30]


@pytest.mark.parametrize(
    ("name", "kana", "pairs"),
    [
        ("石川 蓮", "いしかわ れん", [("石川", "いしかわ"), ("蓮", "れん")]),
        ("石川 蓮", "イシカワ レン", [("石川", "いしかわ"), ("蓮", "れん")]),
        ("上田 さくら", "ウエダ サクラ", [("上田", "うえだ"), ("さくら", "")]),
        ("マリア シルバ", "マリア シルバ", [("マリア", ""), ("シルバ", "")]),
        ("王 小龍", "オウショウリュウ", [("王 小龍", "おうしょうりゅう")]),
        ("石川 蓮", "", [("石川 蓮", "")]),
    ],
)
def test_ruby_is_by_part_in_hiragana_and_never_over_kana(
    name: str, kana: str, pairs: list[tuple[str, str]]
) -> None:
    assert people.ruby(name, kana) == pairs


def test_grades_are_counted_as_the_school_does() -> None:
    assert [people.school_grade(grade) for grade in (1, 6, 7, 9, 10)] == [1, 6, 1, 3, 1]


def year(first: int, total: list[int]) -> WindowSeries:
    days = [date(first, 4, 8), date(first, 12, 24), date(first + 1, 1, 8), date(first + 1, 3, 2)]
    return WindowSeries(tuple(days), (0,) * 4, (0,) * 4, (None,) * 4, tuple(total))


def test_last_years_total_is_read_at_the_same_point_of_the_year() -> None:
    data = charts.chart(year(2026, [0, 3, 5, 8]), year(2025, [1, 1, 2, 4]))
    assert data["this_year"] == [0, 3, 5, 8]
    assert data["last_year"] == [1, 1, 2, 4]
    assert data["dates"] == ["2026-04-08", "2026-12-24", "2027-01-08", "2027-03-02"]


def test_an_unknown_last_year_is_no_line_of_zeros() -> None:
    nothing = WindowSeries((), (), (), (), ())
    assert charts.chart(year(2026, [0, 3, 5, 8]), nothing)["last_year"] is None
    assert charts.chart(year(2026, [0, 3, 5, 8]), None)["last_year"] is None
