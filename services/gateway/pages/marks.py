"""What a day looks like in the grid: a letter of the 出席簿, a shape and a name; never colour alone."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from contracts.codes import AttendanceCode, AttendanceFlag, DayKind
from services.gateway.views import ClassRow, DayCell, Language
from services.gateway.words import clock
from services.gateway.words.catalogue import words_in

_CODES = {
    AttendanceCode.sick: ("sick", "病"),
    AttendanceCode.other: ("other", "事"),
    AttendanceCode.suspended: ("excused", "停"),
    AttendanceCode.bereaved: ("excused", "忌"),
    AttendanceCode.authorised: ("excused", "認"),
    AttendanceCode.class_closed: ("closed", "閉"),
    AttendanceCode.no_school: ("free", ""),
    AttendanceCode.unknown: ("unknown", ""),
}
_FLAGS = (
    (AttendanceFlag.late, "チ"),
    (AttendanceFlag.left_early, "早"),
    (AttendanceFlag.separate_room, "別"),
    (AttendanceFlag.counted_present, "扱"),
)
_OFF = (DayKind.holiday, DayKind.closure)


@dataclass(frozen=True, slots=True)
class Mark:
    """``kind`` chooses the shape, ``letters`` stand in it, ``name`` says it in words."""

    kind: str
    letters: str
    name: str
    provisional: bool = False


def _free(cell: DayCell) -> bool:
    return cell.kind is None or cell.kind in _OFF or cell.code is AttendanceCode.no_school


def _shape(cell: DayCell) -> tuple[str, str]:
    if cell.code is not AttendanceCode.present:
        return _CODES[cell.code]
    letters = "".join(letter for flag, letter in _FLAGS if cell.flags & flag)
    if cell.flags & (AttendanceFlag.separate_room | AttendanceFlag.counted_present):
        return "room", letters
    return ("partial", letters) if letters else ("present", "")


def _names(cell: DayCell, language: Language) -> str:
    words = words_in(language)
    flags = [words(f"codes.flag.{flag.name}") for flag, _ in _FLAGS if cell.flags & flag]
    if cell.code is AttendanceCode.present and flags:
        return "・".join(flags) if language is Language.ja else ", ".join(flags)
    return words(f"codes.attendance.{cell.code.name}")


def mark(cell: DayCell, language: Language) -> Mark:
    """The mark of one date, named with its date. A future school day is blank."""
    when, words = clock.day(cell.date, language), words_in(language)
    if _free(cell):
        return Mark("free", "", f"{when} {words('codes.attendance.no_school')}")
    if cell.future:
        return Mark("future", "", when)
    kind, letters = _shape(cell)
    provisional = bool(cell.flags & AttendanceFlag.provisional)
    note = f" ({words('codes.flag.provisional')})" if provisional else ""
    return Mark(kind, letters, f"{when} {_names(cell, language)}{note}", provisional)


def row_of(days: Iterable[DayCell], language: Language) -> list[Mark | None]:
    """31 places of a month's row; None where the month has no such day."""
    by_day = {cell.date.day: mark(cell, language) for cell in days}
    return [by_day.get(number) for number in range(1, 32)]


def absent_today(rows: Iterable[ClassRow]) -> int:
    """How many children of a class are booked 病欠 or 事故欠 today."""
    absent = (AttendanceCode.sick, AttendanceCode.other)
    return sum(1 for row in rows if row.today and row.today.code in absent)


def legend(language: Language) -> list[Mark]:
    """One example of each mark, in the order of the attendance book."""
    words = words_in(language)
    codes = [
        Mark(kind, letters, words(f"codes.attendance.{code.name}"))
        for code, (kind, letters) in _CODES.items()
    ]
    flags = [
        Mark(_shape(_present(flag))[0], letter, words(f"codes.flag.{flag.name}")) for flag, letter in _FLAGS
    ]
    provisional = Mark("sick", "病", words("codes.flag.provisional"), provisional=True)
    present = Mark("present", "", words("codes.attendance.present"))
    return [present, *codes[:6], *flags, provisional, codes[7], codes[6]]


def _present(flag: AttendanceFlag) -> DayCell:
    return DayCell(date.min, DayKind.school_day, AttendanceCode.present, int(flag))
