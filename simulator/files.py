"""CSV files as a school office system exports them: class lists, attendance exceptions, confirmed classes.

Japanese headers, CP932 or UTF-8. Letters that the encoding lacks are written in their reduced form (縮退), as such
systems do, so names in files and in the registry may differ.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import numpy as np

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from simulator.city import City
from simulator.name_lists import REDUCED_FORMS
from simulator.registry_records import pupil_id
from simulator.schools import grade_number

#: 出欠区分 as printed in the register.
MARKS = {
    Code.unknown: "",
    Code.present: "出席",
    Code.sick: "病欠",
    Code.other: "事故欠",
    Code.suspended: "出席停止",
    Code.bereaved: "忌引",
    Code.authorised: "校長が認めた日",
    Code.class_closed: "学級閉鎖",
}
ENCODINGS = ("cp932", "utf-8", "utf-8-sig")
_PLACE = ("学校コード", "年度", "学年", "組")
_PUPIL_HEADER = (
    *_PLACE, "出席番号", "個人番号", "氏名", "氏名カナ", "学校使用名", "学校使用名カナ", "生年月日", "性別",
    "転入日", "転出日",
)  # fmt: skip
_DAY_HEADER = (
    *_PLACE,
    "出席番号",
    "個人番号",
    "氏名",
    "日付",
    "出欠区分",
    "遅刻",
    "早退",
    "別室登校",
    "出席扱い",
)
_TAKEN_HEADER = (*_PLACE, "日付", "確認")
_FLAGS = (Flag.late, Flag.left_early, Flag.separate_room, Flag.counted_present)
_SEXES = ("男", "女")

Row = tuple[str, ...]


def export_year(city: City, year: int, folder: Path, encoding: str = "cp932") -> list[Path]:
    """Write one school year: ``名簿``, and per month ``出欠`` (exceptions) and ``確認`` (classes taken).

    Raises:
        ValueError: not one of ``ENCODINGS``.
    """
    if encoding not in ENCODINGS:
        raise ValueError("unknown encoding")
    folder.mkdir(parents=True, exist_ok=True)
    written = [_write(folder / f"名簿_{year}.csv", _PUPIL_HEADER, pupil_rows(city, year), encoding)]
    for month in dict.fromkeys(day.strftime("%Y%m") for day in city.calendar(year).days):
        days = [i for i, day in enumerate(city.calendar(year).days) if day.strftime("%Y%m") == month]
        exceptions, taken = day_rows(city, year, days), taken_rows(city, year, days)
        written.append(_write(folder / f"出欠_{month}.csv", _DAY_HEADER, exceptions, encoding))
        written.append(_write(folder / f"確認_{month}.csv", _TAKEN_HEADER, taken, encoding))
    return written


def pupil_rows(city: City, year: int) -> Iterator[Row]:
    """The class lists of a school year, one row per enrolment."""
    roster, days = city.roster(year), city.calendar(year).days
    for row in range(len(roster)):
        pupil = int(roster.pupil[row])
        person = city.pupils.people[pupil]
        name, used = person.registered, person.school
        birth = date.fromordinal(int(city.pupils.birth_ordinal[pupil]))
        yield (
            *_place(city, year, int(roster.room[row])),
            str(int(roster.number[row])),
            pupil_id(pupil),
            f"{name.family} {name.given}",
            f"{name.family_kana} {name.given_kana}",
            f"{used.family} {used.given}" if used else "",
            f"{used.family_kana} {used.given_kana}" if used else "",
            birth.strftime("%Y/%m/%d"),
            _SEXES[int(city.pupils.sex[pupil])],
            _slashed(days, int(roster.first[row]), 0),
            _slashed(days, int(roster.last[row]), len(days)),
        )


def day_rows(city: City, year: int, days: list[int]) -> Iterator[Row]:
    """Everybody who was not simply present on the given school days, as the records finally stand."""
    register, roster, calendar = city.register(year), city.roster(year), city.calendar(year)
    enrolled = city.attendance(year).enrolled
    for day in days:
        status, flags = (
            register.final_status[:, day],
            register.final_flags[:, day] & ~np.uint8(Flag.provisional),
        )
        unusual = enrolled[:, day] & (status != Code.no_school) & ((status != Code.present) | (flags != 0))
        for row in np.flatnonzero(unusual & (register.taken[roster.room, day] >= 0)).tolist():
            person = city.pupils.people[int(roster.pupil[row])]
            name = person.school or person.registered
            yield (
                *_place(city, year, int(roster.room[row])),
                str(int(roster.number[row])),
                pupil_id(int(roster.pupil[row])),
                f"{name.family} {name.given}",
                calendar.days[day].strftime("%Y/%m/%d"),
                MARKS[Code(int(status[row]))],
                *("1" if flags[row] & flag else "" for flag in _FLAGS),
            )


def taken_rows(city: City, year: int, days: list[int]) -> Iterator[Row]:
    """Classes whose roll-call was confirmed on the given school days."""
    taken, calendar = city.register(year).taken, city.calendar(year)
    for day in days:
        for room in np.flatnonzero(taken[:, day] >= 0).tolist():
            yield (*_place(city, year, room), calendar.days[day].strftime("%Y/%m/%d"), "済")


def encodable(text: str, encoding: str) -> str:
    """The text with every letter that the encoding lacks in its reduced form, or 〓 where there is none."""

    def reduced(letter: str) -> str:
        try:
            letter.encode(encoding)
        except UnicodeEncodeError:
            return REDUCED_FORMS.get(letter, "〓")
        return letter

    return "".join(reduced(letter) for letter in text)


def _place(city: City, year: int, room: int) -> Row:
    of = city.roster(year).classes[room]
    return city.schools[of.school].code, str(year), str(grade_number(of.grade)), of.label


def _slashed(days: tuple[date, ...], index: int, unless: int) -> str:
    return "" if index == unless else days[index].strftime("%Y/%m/%d")


def _write(path: Path, header: Row, rows: Iterable[Row], encoding: str) -> Path:
    with path.open("w", encoding=encoding, newline="") as stream:
        writer = csv.writer(stream, lineterminator="\r\n")
        writer.writerow(header)
        writer.writerows([encodable(cell, encoding) for cell in row] for row in rows)
    return path
