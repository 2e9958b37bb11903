"""A child, a class, a search."""

from dataclasses import dataclass
from datetime import date, datetime

from contracts.codes import (
    AlertOutcome,
    AttendanceCode,
    Band,
    DayKind,
    InfirmaryKind,
    Item,
    LongAbsence,
    Retraction,
    StaffRole,
    SurveyKind,
    Symptom,
)
from services.gateway.views.board import AlertCard
from services.gateway.views.frame import AlertStep, ChildLine, ClassLink


@dataclass(frozen=True, slots=True)
class DayCell:
    """One date. ``kind`` None: the calendar does not know it (no cell to draw when ``in_year`` is False).

    ``code`` unknown on a past school day is drawn hatched. ``flags`` are ``AttendanceFlag`` bits.
    ``settled``: a provisional mark of a settled day counts.
    """

    date: date
    kind: DayKind | None
    code: AttendanceCode
    flags: int = 0
    settled: bool = True
    future: bool = False


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One month of the grid: a cell for each of its dates, and its sums in days.

    ``excused``: 出席停止・忌引・校長が認めた日. ``unknown``: past school days without a mark.
    """

    month: date
    days: tuple[DayCell, ...]
    school_days: int
    sick: int
    other: int
    late: int
    left_early: int
    separate_room: int
    excused: int
    unknown: int


@dataclass(frozen=True, slots=True)
class YearGrid:
    """The school year, April first; ``months`` up to the month of the school date."""

    school_year: int
    months: tuple[MonthRow, ...]
    school_days: int
    sick: int
    other: int
    late: int
    left_early: int
    excused: int
    unknown: int


@dataclass(frozen=True, slots=True)
class WindowLine:
    """The child's last ``school_days`` school days beside the same number before. Absent = 病欠 + 事故欠.

    ``previous_absent`` None: not that many days are known. ``class_mean``: mean absences of a classmate.
    """

    school_days: int
    counted: int
    sick: int
    other: int
    late: int
    left_early: int
    previous_absent: int | None
    class_mean: float | None


@dataclass(frozen=True, slots=True)
class WindowSeries:
    """For the chart: one value per past school day of the year, equal lengths.

    Absences and lates within the last 20 school days up to each date; ``class_absent_20`` the same for
    the mean classmate (None where the class count is unknown). ``absent_total``: absences of the school
    year up to each date.
    """

    dates: tuple[date, ...]
    absent_20: tuple[int, ...]
    late_20: tuple[int, ...]
    class_absent_20: tuple[float | None, ...]
    absent_total: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class SurveyRound:
    """How many of the asked questions were answered positively (4 or 5); no single answer."""

    survey: SurveyKind
    school_year: int
    round: int
    date: date
    positive: int
    asked: int


@dataclass(frozen=True, slots=True)
class InfirmaryMonth:
    """Visits to the 保健室 in a month (item infirmary_count)."""

    month: date
    internal: int
    external: int
    dates: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class InfirmaryVisit:
    """What the nurse coded (item infirmary_detail)."""

    date: date
    kind: InfirmaryKind | None
    symptom: Symptom
    entered_minute: int | None
    left_minute: int | None


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One step in an alert's life. ``by``: a staff member's name, None when the system did it.

    ``times``: how often running; ``at`` is the last of them.
    """

    at: datetime
    alert_id: str
    step: AlertStep
    level: Band | None = None
    by: str | None = None
    role: StaffRole | None = None
    outcome: AlertOutcome | None = None
    retraction: Retraction | None = None
    times: int = 1


@dataclass(frozen=True, slots=True)
class Note:
    """A free note; it never leaves the gateway."""

    note_id: str
    item: Item
    text: str
    by: str
    written_at: datetime
    own: bool


@dataclass(frozen=True, slots=True)
class Place:
    """One enrolment, newest first in a child's list. ``valid_to`` is exclusive."""

    school_name: str
    school_year: int
    grade: int
    class_label: str
    number: int | None
    valid_from: date
    valid_to: date


@dataclass(frozen=True, slots=True)
class ChildPage:
    """Everything about one child that this viewer may know, under the relation ``child.why``.

    ``previous_years``: sums of earlier school years without grids (``months`` empty).
    ``note_items``: items under which this viewer may write a note; empty = no form.
    """

    child: ChildLine
    other_names: tuple[str, ...]
    homeroom: str | None
    places: tuple[Place, ...]
    year: YearGrid | None
    previous_years: tuple[YearGrid, ...]
    windows: tuple[WindowLine, ...]
    long_absence: LongAbsence
    alerts: tuple[AlertCard, ...]
    history: tuple[HistoryLine, ...]
    surveys: tuple[SurveyRound, ...]
    infirmary: tuple[InfirmaryMonth, ...]
    infirmary_visits: tuple[InfirmaryVisit, ...]
    notes: tuple[Note, ...]
    note_items: tuple[Item, ...]
    data_until: datetime | None


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A child of the class. ``recent``: the last ten school days, oldest first. ``level``: highest open alert.

    ``late`` and ``left_early`` are of the year; ``excused`` as in :class:`MonthRow`.
    """

    child: ChildLine
    today: DayCell | None
    recent: tuple[DayCell, ...]
    month_absent: int
    year_sick: int
    year_other: int
    late: int
    left_early: int
    excused: int
    level: Band
    long_absence: LongAbsence


@dataclass(frozen=True, slots=True)
class ClassPage:
    """A class in 出席番号 order (children without a number last, by kana)."""

    link: ClassLink
    homeroom: str | None
    school_date: date
    is_school_day: bool
    rows: tuple[ClassRow, ...]
    data_until: datetime | None


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Children found by registered or school-used name or kana; ``more``: the list was cut."""

    query: str
    children: tuple[ChildLine, ...]
    more: bool
