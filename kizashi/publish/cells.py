"""One cell of a table to a value. Pure; what cannot be read is a reason, never an exception text."""

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from contracts.codes import AttendanceCode, AttendanceFlag
from kizashi.publish.profiles import Column
from kizashi.publish.reasons import RowReason

TOKYO = ZoneInfo("Asia/Tokyo")
Value = str | int | bool | date | datetime


class CellUnreadable(Exception):
    """A cell cannot be read as its column says."""

    def __init__(self, reason: RowReason) -> None:
        super().__init__(reason.name)
        self.reason = reason


_ERAS = {"令和": 2018, "R": 2018, "平成": 1988, "H": 1988, "昭和": 1925, "S": 1925}
_ERA_DATE = re.compile(r"^(令和|平成|昭和|R|H|S)\.?(元|\d{1,2})[年./-](\d{1,2})[月./-](\d{1,2})日?$")
_DATE = re.compile(r"^(\d{4})[年./-](\d{1,2})[月./-](\d{1,2})日?$")
_PLAIN_DATE = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
_YEAR = re.compile(r"^(?:(令和|平成|R|H)\.?(元|\d{1,2})|(\d{4}))(?:年度?)?$")
_TIME = re.compile(r"^(.+?)[T ](\d{1,2}):(\d{2})(?::(\d{2}))?$")
_SPLIT = re.compile(r"[\s・,、/+]+")
_UNTICKED = frozenset({"", "0", "-", "×", "無", "FALSE", "NO", "N"})

#: 出席簿の記号と語。欠席の種類は一日に一つ、遅刻・早退などは重ねてよい。
CODES: dict[str, AttendanceCode] = {
    "出席": AttendanceCode.present,
    "出": AttendanceCode.present,
    "○": AttendanceCode.present,
    "病欠": AttendanceCode.sick,
    "病気": AttendanceCode.sick,
    "病": AttendanceCode.sick,
    "事故欠": AttendanceCode.other,
    "事故": AttendanceCode.other,
    "事": AttendanceCode.other,
    "欠席": AttendanceCode.other,
    "欠": AttendanceCode.other,
    "出席停止": AttendanceCode.suspended,
    "出停": AttendanceCode.suspended,
    "停": AttendanceCode.suspended,
    "忌引": AttendanceCode.bereaved,
    "忌": AttendanceCode.bereaved,
    "校長が認めた日": AttendanceCode.authorised,
    "公欠": AttendanceCode.authorised,
    "学級閉鎖": AttendanceCode.class_closed,
    "閉": AttendanceCode.class_closed,
    "未記録": AttendanceCode.unknown,
}
FLAGS: dict[str, AttendanceFlag] = {
    "遅刻": AttendanceFlag.late,
    "遅": AttendanceFlag.late,
    "チ": AttendanceFlag.late,
    "早退": AttendanceFlag.left_early,
    "早": AttendanceFlag.left_early,
    "別室": AttendanceFlag.separate_room,
    "別室登校": AttendanceFlag.separate_room,
    "保健室登校": AttendanceFlag.separate_room,
    "別": AttendanceFlag.separate_room,
    "出席扱い": AttendanceFlag.counted_present,
}


def tidy(text: str) -> str:
    """Full and half width made one (NFKC), blanks at the ends gone."""
    return unicodedata.normalize("NFKC", text).strip()


def to_number(text: str) -> int:
    """A whole number; "5年", "2組" and "07" are numbers too."""
    digits = tidy(text).removesuffix("年").removesuffix("組").removesuffix("番")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise CellUnreadable(RowReason.bad_number)
    return int(digits)


def to_year(text: str) -> int:
    """A school year: 2026, 2026年度, 令和8年度, R8."""
    found = _YEAR.match(tidy(text).upper())
    if not found:
        raise CellUnreadable(RowReason.bad_number)
    era, of_era, plain = found.groups()
    return int(plain) if plain else _ERAS[era] + (1 if of_era == "元" else int(of_era))


def to_date(text: str) -> date:
    """A date in one of the forms that school systems write, 和暦 included."""
    plain = tidy(text).upper().replace(" ", "")
    era = _ERA_DATE.match(plain)
    found = era or _DATE.match(plain) or _PLAIN_DATE.match(plain)
    if not found:
        raise CellUnreadable(RowReason.bad_date)
    parts = found.groups()
    if era:
        parts = (str(_ERAS[parts[0]] + (1 if parts[1] == "元" else int(parts[1]))), *parts[2:])
    try:
        return date(*map(int, parts))
    except ValueError:
        raise CellUnreadable(RowReason.bad_date) from None


def to_moment(text: str) -> datetime:
    """A date and a time of day in Japan."""
    found = _TIME.match(tidy(text))
    if not found:
        raise CellUnreadable(RowReason.bad_date)
    day = to_date(found.group(1))
    hour, minute, second = (int(part or 0) for part in found.groups()[1:])
    try:
        return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=TOKYO)
    except ValueError:
        raise CellUnreadable(RowReason.bad_date) from None


def _marks(text: str) -> tuple[AttendanceCode, AttendanceFlag]:
    codes: set[AttendanceCode] = set()
    flags = AttendanceFlag(0)
    for mark in filter(None, _SPLIT.split(tidy(text))):
        if mark in CODES:
            codes.add(CODES[mark])
        elif mark in FLAGS:
            flags |= FLAGS[mark]
        else:
            raise CellUnreadable(RowReason.bad_mark)
    if len(codes) > 1:
        raise CellUnreadable(RowReason.two_marks)
    if not codes and not flags:
        raise CellUnreadable(RowReason.empty)
    return codes.pop() if codes else AttendanceCode.present, flags


def _name_part(part: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        """Family name before the first blank, given name behind it."""
        pieces = text.replace("　", " ").split(maxsplit=1)
        if len(pieces) < 2:
            raise CellUnreadable(RowReason.one_name)
        return pieces[part].strip()

    return read


_READERS: dict[str, Callable[[str], Value]] = {
    "text": str.strip,
    "code": lambda text: tidy(text).upper(),
    "label": lambda text: tidy(text).removesuffix("組") or tidy(text),
    "number": to_number,
    "year": to_year,
    "date": to_date,
    "moment": to_moment,
    "family": _name_part(0),
    "given": _name_part(1),
    "mark_code": lambda text: int(_marks(text)[0]),
    "mark_flags": lambda text: int(_marks(text)[1]),
}


def read_cell(column: Column, text: str) -> Value | None:
    """The value of a cell; ``None`` when it is empty and may be.

    Raises:
        CellUnreadable: it cannot be read, or is empty and must not be.
    """
    if column.read == "flag":
        ticked = tidy(text).upper() not in _UNTICKED
        return int(AttendanceFlag[column.flag]) if ticked else 0
    if not tidy(text):
        if column.optional or column.blank:
            return None
        raise CellUnreadable(RowReason.empty)
    if column.read == "words":
        if tidy(text) not in column.words:
            raise CellUnreadable(RowReason.bad_code)
        return column.words[tidy(text)]
    return _READERS[column.read](text)
