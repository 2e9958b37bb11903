"""What each page shows, as frozen data: readers fill these, templates and the REST API only draw them.

Nothing here is filtered any more: what the viewer may not know is not in the view (an empty tuple or
``None`` means "nothing for you", without saying whether there is something). Codes stay codes; the words
come from the catalogue in ``words/``. Instants are aware UTC datetimes, dates are school dates.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from contracts.codes import (
    AlertOutcome,
    AttendanceCode,
    Band,
    Basis,
    DayKind,
    Decider,
    InfirmaryKind,
    Item,
    LongAbsence,
    Refusal,
    Retraction,
    StaffRole,
    SurveyKind,
    Symptom,
)
from contracts.risk import Reason


class Language(StrEnum):
    """Languages of the screens."""

    ja = "ja"
    en = "en"


class AlertStatus(StrEnum):
    """Where an alert stands. ``new`` and ``seen`` wait for somebody; ``acknowledged`` is in hand."""

    new = "new"
    seen = "seen"
    acknowledged = "acknowledged"
    closed = "closed"
    retracted = "retracted"


class AlertStep(StrEnum):
    """One line of an alert's history."""

    raised = "raised"
    changed = "changed"
    delivered = "delivered"
    escalated = "escalated"
    seen = "seen"
    acknowledged = "acknowledged"
    closed = "closed"
    retracted = "retracted"


# --- around every page ---


@dataclass(frozen=True, slots=True)
class Post:
    """A post the viewer holds today; ``class_id`` for 担任, ``grade`` for 学年主任, ``school`` None = whole city."""

    role: StaffRole
    school: str | None = None
    school_name: str | None = None
    grade: int | None = None
    class_id: str | None = None
    class_label: str | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """What the head, the navigation and the forms of every signed-in page need.

    ``csrf`` goes into each form's hidden field ``csrf`` or the header ``X-CSRF-Token`` (htmx: hx-headers).
    ``classes`` are the classes the viewer may open, in order. ``is_school_day`` False: 授業日ではありません.
    """

    name: str
    language: Language
    csrf: str
    posts: tuple[Post, ...]
    classes: tuple["ClassLink", ...]
    sees_children: bool
    sees_operations: bool
    administers: bool
    demo: bool
    school_date: date
    is_school_day: bool
    open_alerts: int


@dataclass(frozen=True, slots=True)
class ClassLink:
    """A class to go to."""

    class_id: str
    school_name: str
    grade: int
    label: str
    special_needs: bool = False


# --- a child in one line ---


@dataclass(frozen=True, slots=True)
class ChildLine:
    """Who it is, for lists. ``name`` is the school-used name when there is one. ``why``: the relation's rule."""

    linkage_id: str
    name: str
    kana: str
    school: str
    school_name: str
    class_id: str
    grade: int
    class_label: str
    number: int | None
    why: str = ""


# --- board ---


@dataclass(frozen=True, slots=True)
class AlertCard:
    """One alert with the reasons this reader may know, oldest fact last.

    ``may_respond``: the buttons for acknowledge and close are to be shown. ``acknowledged_by``: a name.
    """

    alert_id: str
    child: ChildLine
    level: Band
    basis: Basis
    status: AlertStatus
    held: bool
    raised_at: datetime
    as_of: date
    decided_by: Decider
    reasons: tuple[Reason, ...]
    may_respond: bool
    version: int
    escalated: bool = False
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    outcome: AlertOutcome | None = None
    closed_at: datetime | None = None
    retracted_at: datetime | None = None
    retraction: Retraction | None = None


@dataclass(frozen=True, slots=True)
class StandingLine:
    """A child listed under 「継続して支援中」: long absence that began in an earlier month."""

    child: ChildLine
    year_absent: int
    month_absent: int
    last_present: date | None


@dataclass(frozen=True, slots=True)
class Board:
    """「わたしのお知らせ」. ``open``: new, seen and acknowledged; ``others``: 「ほかの変化」 (held by the budget);
    ``standing``: 「継続して支援中」; ``recent``: closed or withdrawn in the last ten days.
    ``counts`` (for the board of education, who see no child) is empty for everybody else."""

    open: tuple[AlertCard, ...]
    others: tuple[AlertCard, ...]
    standing: tuple[StandingLine, ...]
    recent: tuple[AlertCard, ...]
    counts: tuple["SchoolCounts", ...]
    data_until: datetime | None


@dataclass(frozen=True, slots=True)
class SchoolCounts:
    """Counts of one school; None where a count below five would point at children. Schools are never ranked."""

    school: str
    school_name: str
    pupils: int
    open: int | None
    acknowledged: int | None
    closed: int | None
    standing: int | None


# --- child ---


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
    """One step in an alert's life. ``by``: a staff member's name, None when the system did it."""

    at: datetime
    alert_id: str
    step: AlertStep
    level: Band | None = None
    by: str | None = None
    role: StaffRole | None = None
    outcome: AlertOutcome | None = None
    retraction: Retraction | None = None


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


# --- class ---


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


# --- search ---


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Children found by registered or school-used name or kana; ``more``: the list was cut."""

    query: str
    children: tuple[ChildLine, ...]
    more: bool


# --- operators: the eight numbers, in the order of the page ---


@dataclass(frozen=True, slots=True)
class ConsumerLine:
    """One consumer's sums. The two differences must be 0."""

    service: str
    consumer: str
    received: int
    applied: int
    stale: int
    dead: int
    waiting: int
    erased: int
    position_difference: int
    outcome_difference: int
    lag: int
    emitted: int
    distinct: int
    oldest_event_at: datetime | None
    stopped: bool
    pulsed_at: datetime
    silent: bool


@dataclass(frozen=True, slots=True)
class EdgeLine:
    """Distinct events sent by ``upstream`` against those received; ``difference`` must settle at 0."""

    upstream: str
    downstream: str
    sent: int
    received: int
    difference: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Number 1: ``difference`` must be 0; ``waiting`` is a term of its own."""

    difference: int
    waiting: int
    consumers: tuple[ConsumerLine, ...]


@dataclass(frozen=True, slots=True)
class EventAge:
    """Number 2: age of the oldest unprocessed event; confirmation to visible, p50 and p99 of the last hour."""

    oldest_seconds: float | None
    visible_p50_seconds: float | None
    visible_p99_seconds: float | None
    samples: int


@dataclass(frozen=True, slots=True)
class SchoolConfirmed:
    """Confirmed and expected classes of one school."""

    school: str
    school_name: str
    confirmed: int
    expected: int


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Number 3. ``is_school_day`` False: 授業日ではありません, never red."""

    school_date: date
    is_school_day: bool
    confirmed: int
    expected: int
    schools: tuple[SchoolConfirmed, ...]
    last_event_at: tuple[tuple[str, datetime], ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Number 4: identity's waiting room."""

    records: int
    references: int
    oldest_at: datetime | None
    counted_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """Dead letters of today by where and why."""

    service: str
    consumer: str
    topic: str
    code: Refusal
    count: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Number 5."""

    today: int
    lines: tuple[RefusedLine, ...]


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Number 6: both must be 0."""

    without_recipient: int
    failed_deliveries: int


@dataclass(frozen=True, slots=True)
class AlertsToday:
    """Number 7, of the school date; ``unseen``: for more than two school days."""

    raised: int
    held: int
    withdrawn: int
    unseen: int


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One way of naming children, on matured labels at five names per school and month."""

    method: str
    named: int
    cases: int
    recall_lead_5: float | None
    recall_lead_10: float | None
    precision: float | None


@dataclass(frozen=True, slots=True)
class WhoDecides:
    """Number 8: rules or model on one basis."""

    basis: Basis
    decider: Decider
    labels: int
    rows: tuple[ScoreRow, ...]
    published_at: datetime


@dataclass(frozen=True, slots=True)
class OperatorsPage:
    """The eight numbers in their order. No content about any child."""

    reconciliation: Reconciliation
    age: EventAge
    confirmed: Confirmed
    waiting: Waiting
    refused: Refused
    undelivered: Undelivered
    alerts: AlertsToday
    deciders: tuple[WhoDecides, ...]
    audit_chain_ok: bool | None
    audit_sealed_until: datetime | None
    measured_at: datetime


# --- administration ---


@dataclass(frozen=True, slots=True)
class GrantLine:
    """A right granted by hand; ``items`` beyond the post's own."""

    grant_id: str
    staff_name: str
    role: StaffRole
    school_name: str | None
    items: tuple[Item, ...]
    valid_from: date
    valid_to: date
    granted_by: str | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One row of the operation log. Children are counted here, listed in ``linkage_ids``."""

    at: datetime
    who: str
    action: str
    items: tuple[str, ...]
    rule: str
    outcome: str
    purpose: str
    linkage_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AdminPage:
    """Grants and the latest rows of the operation log."""

    grants: tuple[GrantLine, ...]
    audit: tuple[AuditLine, ...]


# --- sign-in ---


class SignInTrouble(StrEnum):
    """Why a sign-in page is shown again; never says which of name and password was wrong."""

    wrong = "wrong"
    throttled = "throttled"
    unavailable = "unavailable"
    expired = "expired"


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """A one-click account of a demonstration; ``link`` is a path."""

    role: StaffRole
    name: str
    link: str


@dataclass(frozen=True, slots=True)
class SignInPage:
    """``next`` is a local path. ``csrf`` as in :class:`Frame` (bound to a pre-session cookie)."""

    csrf: str
    next: str
    trouble: SignInTrouble | None = None
    retry_after_seconds: int | None = None
    demo_accounts: tuple[DemoAccount, ...] = field(default=())
