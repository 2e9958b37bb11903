"""What features tells scoring: vectors per child and school day, and the evidence behind a reason.

The order of a vector is the order of the catalogue below; ``LOGIC`` names its meaning. A changed
meaning is a new logic version, never a silent edit. NaN travels as ``None``.
"""

from datetime import date

from msgspec import Struct

from contracts.codes import Item, LongAbsence, SurveyKind
from contracts.facts import Fact
from contracts.scalars import ClassId, Count, Grade, LinkageId, PackedNumbers, PartName, SchoolId, Version

#: Version of the feature logic. Features notes it and tells every lane of a newer one (``long-absence-rule-set``),
#: whose version is part of every state-derived version from then on.
LOGIC = 2


class Feature(Struct, frozen=True, gc=False):
    """Name, item and meaning of one number of a vector."""

    name: str
    item: Item
    ja: str


def _attendance(*pairs: tuple[str, str]) -> tuple[Feature, ...]:
    return tuple(Feature(name, Item.attendance, ja) for name, ja in pairs)


#: As of a school day, that day included. absent = 病欠 + 事故欠; counted = present + absent.
#: Windows are over the child's own last N school days (unknown, 出停, 忌引 … stay out of both counts).
ATTENDANCE_FEATURES: tuple[Feature, ...] = _attendance(
    ("absent_5", "直近5授業日の欠席"),
    ("absent_10", "直近10授業日の欠席"),
    ("absent_20", "直近20授業日の欠席"),
    ("absent_30", "直近30授業日の欠席"),
    ("absent_60", "直近60授業日の欠席"),
    ("counted_20", "直近20授業日のうち記録のある日"),
    ("counted_60", "直近60授業日のうち記録のある日"),
    ("sick_20", "直近20授業日の病欠"),
    ("other_20", "直近20授業日の事故欠"),
    ("other_60", "直近60授業日の事故欠"),
    ("streak", "連続欠席日数"),
    ("spells_60", "直近60授業日の欠席の回数(続きは1回)"),
    ("days_since_absent", "最後の欠席からの授業日数(60で打ち切り)"),
    ("month_absent", "今月の欠席"),
    ("month_counted", "今月の記録のある授業日"),
    ("month_days_left", "今月の残り授業日"),
    ("year_absent", "今年度の欠席"),
    ("year_counted", "今年度の記録のある授業日"),
    ("year_day", "今年度の何授業日目か"),
    ("last_month_sick_rate", "先月の病欠率"),
    ("last_month_other_rate", "先月の事故欠率"),
    ("last_month_late_rate", "先月の遅刻率"),
    ("last_month_left_early_rate", "先月の早退率"),
    ("last_month_suspended_rate", "先月の出席停止率"),
    ("last_month_bereaved_rate", "先月の忌引率"),
    ("last_year_absent", "昨年度の欠席"),
    ("last_year_rate", "昨年度の欠席率"),
    ("weekday_share_60", "直近60授業日の欠席のうち最多曜日の割合"),
    ("after_gap_absent_60", "直近60授業日の休み明けの欠席"),
    ("late_10", "直近10授業日の遅刻"),
    ("late_20", "直近20授業日の遅刻"),
    ("late_trend", "遅刻の増え方(直近10日の率 − その前20日の率)"),
    ("left_early_20", "直近20授業日の早退"),
    ("separate_room_20", "直近20授業日の別室登校"),
    ("class_relative_20", "直近20授業日の欠席 − 学級平均"),
    ("grade", "学年(中1=7)"),
    ("moved_in", "年度途中の転入"),
)

INFIRMARY_FEATURES: tuple[Feature, ...] = (
    Feature("internal_10", Item.infirmary_count, "直近10授業日の保健室利用(内科)"),
    Feature("internal_20", Item.infirmary_count, "直近20授業日の保健室利用(内科)"),
    Feature("internal_last_month", Item.infirmary_count, "先月の保健室利用(内科)"),
    Feature("visits_60", Item.infirmary_count, "直近60授業日の保健室利用"),
)

SURVEY_FEATURES: tuple[Feature, ...] = (
    Feature("enjoy_mean", Item.survey, "楽しさの平均(最新)"),
    Feature("understand_mean", Item.survey, "理解の平均(最新)"),
    Feature("enjoy_change", Item.survey, "楽しさの変化(前回から)"),
    Feature("life_mean", Item.survey, "学校生活の平均(最新)"),
    Feature("answered", Item.survey, "最新の調査に答えたか"),
)


class DayVector(Struct, frozen=True, gc=False):
    """Numbers as of one school day.

    ``values`` follow the catalogue of the event's item. ``version`` is derived from the facts.
    ``settled`` is false while the day's own mark is provisional: shown, raising nothing.
    ``long_absence`` says where the child stands that evening; ``crossed`` that the line was crossed that day.
    """

    date: date
    version: Version
    values: list[float | None]
    settled: bool = True
    long_absence: LongAbsence = LongAbsence.none
    crossed: bool = False


# --- evidence: observable facts with dates, from which reasons are made ---


class StreakEvidence(Struct, frozen=True, gc=False, tag="streak", tag_field="kind"):
    """Absent on consecutive school days up to the as-of day."""

    dates: list[date]
    sick: Count
    other: Count
    year_absent: Count
    last_year_same_period: Count | None
    class_mean: float | None


class MonthEvidence(Struct, frozen=True, gc=False, tag="month", tag_field="kind"):
    """Absences of a calendar month beside the month before."""

    month: date  # first of the month
    school_days: Count
    dates: list[date]
    sick: Count
    other: Count
    suspended: Count
    bereaved: Count
    previous_school_days: Count | None
    previous_absent: Count | None
    class_mean: float | None


class WindowEvidence(Struct, frozen=True, gc=False, tag="window", tag_field="kind"):
    """Absences in the last ``school_days`` school days beside the same number of days before."""

    school_days: Count
    dates: list[date]
    sick: Count
    other: Count
    previous_absent: Count | None
    class_mean: float | None


class WeekdayEvidence(Struct, frozen=True, gc=False, tag="weekday", tag_field="kind"):
    """Absences gather on one weekday (0 = Monday)."""

    weekday: Count
    occurrences: Count
    first: date
    last: date
    dates: list[date]
    other_days: Count
    other_absent: Count


class LatenessEvidence(Struct, frozen=True, gc=False, tag="lateness", tag_field="kind"):
    """Late in the last 10 school days beside the 20 before."""

    first: date
    last: date
    dates: list[date]
    previous_late: Count


class CumulativeEvidence(Struct, frozen=True, gc=False, tag="cumulative", tag_field="kind"):
    """Absences of the school year so far."""

    year_absent: Count
    sick: Count
    other: Count
    school_days: Count
    last_year_same_period: Count | None


class InfirmaryEvidence(Struct, frozen=True, gc=False, tag="infirmary", tag_field="kind"):
    """Visits in the last 10 school days beside the 20 before; counts and dates, no symptoms."""

    first: date
    last: date
    dates: list[date]
    previous_visits: Count


class SurveyEvidence(Struct, frozen=True, gc=False, tag="survey", tag_field="kind"):
    """Positive answers in the latest round beside the one before; no single answer is told."""

    survey: SurveyKind
    previous_on: date
    previous_positive: Count
    previous_asked: Count
    latest_on: date
    latest_positive: Count
    latest_asked: Count


AttendanceEvidence = (
    StreakEvidence | MonthEvidence | WindowEvidence | WeekdayEvidence | LatenessEvidence | CumulativeEvidence
)
Evidence = AttendanceEvidence | InfirmaryEvidence | SurveyEvidence


class AttendanceFeaturesUpdated(Fact, frozen=True):
    """Vectors of every school day that changed, oldest first. Natural key: linkage_id, day.

    ``evidence`` belongs to the child's last known school day ``as_of``; ``evidence_version`` orders it.
    ``end`` is the last day the child is enrolled (exclusive) if it ends before the school year does.
    """

    linkage_id: LinkageId
    school: SchoolId
    class_id: ClassId
    grade: Grade
    school_year: int
    logic: int
    days: list[DayVector]
    as_of: date
    evidence: list[AttendanceEvidence]
    evidence_version: Version
    removed: tuple[date, ...] = ()
    end: date | None = None


class InfirmaryFeaturesUpdated(Fact, frozen=True):
    """As :class:`AttendanceFeaturesUpdated`, item infirmary_count; values hold from each date on."""

    linkage_id: LinkageId
    school_year: int
    logic: int
    days: list[DayVector]
    evidence: list[InfirmaryEvidence]
    evidence_version: Version


class SurveyFeaturesUpdated(Fact, frozen=True):
    """As :class:`AttendanceFeaturesUpdated`, item survey; values hold from each date on."""

    linkage_id: LinkageId
    school_year: int
    logic: int
    days: list[DayVector]
    evidence: list[SurveyEvidence]
    evidence_version: Version


class LabelRow(Struct, frozen=True, gc=False):
    """A matured label: the vector as of ``as_of`` and whether the first crossing came 5 to 40 school days later.

    ``crossed_on`` is the first crossing of that school year, if any.
    """

    linkage_id: LinkageId
    school: SchoolId
    as_of: date
    label: bool
    values: list[float | None]
    crossed_on: date | None = None


class LabelMatured(Fact, frozen=True):
    """Rows of one features lane whose outcome became known at the close of ``closed_on``, in ``parts`` events.

    Sent for every closed day, empty or not, so that the learner knows when it has all lanes.
    Values are those of the attendance vector. Natural key: lane, closed_on, part; of a lane the greatest version wins.
    """

    lane: Count
    lanes: Count
    closed_on: date
    rows: list[LabelRow]
    version: Version
    part: Count = 0
    parts: Count = 1


class CombinedLabelMatured(Fact, frozen=True):
    """As :class:`LabelMatured`; values are attendance, then infirmary, then survey."""

    lane: Count
    lanes: Count
    closed_on: date
    rows: list[LabelRow]
    version: Version
    part: Count = 0
    parts: Count = 1


class ModelPublished(Fact, frozen=True):
    """The model as it stands after learning the close of ``closed_on``. Natural key: model, closed_on.

    ``weights`` is the packed state (format told by ``format``), ``threshold`` the probability above which
    a child is named; ``leads`` whether it has beaten the rules on matured labels.
    """

    model: PartName
    basis: PartName
    closed_on: date
    format: Count
    weights: PackedNumbers
    labels: Count
    positives: Count
    threshold: float
    leads: bool
    recall_model: float | None = None
    recall_rules: float | None = None
    precision_model: float | None = None
    precision_rules: float | None = None
