"""Reasons in Japanese."""

from collections.abc import Sequence
from datetime import date
from typing import assert_never

from contracts.codes import SurveyKind
from contracts.features import (
    AttendanceEvidence,
    CumulativeEvidence,
    InfirmaryEvidence,
    LatenessEvidence,
    MonthEvidence,
    StreakEvidence,
    SurveyEvidence,
    WeekdayEvidence,
    WindowEvidence,
)
from services.gateway.words import dates_ja as dates
from services.gateway.words.growth import grew
from services.gateway.words.sentence import Sentence

SEVEN_IN_A_ROW = Sentence(
    "正当な理由のない欠席が7授業日続いたときは、校長から教育委員会への通知が必要です。",
    "(学校教育法施行令第20条)",
)
_SYMPTOMS = "症状は養護教諭が確認できます。"
_SURVEYS = {
    SurveyKind.lesson: "授業がわかる調査",
    SurveyKind.school_life: "学校生活アンケート",
    SurveyKind.prefecture: "県学調の児童生徒質問紙",
    SurveyKind.happiness: "幸せアンケート",
    SurveyKind.weather: "心の天気",
    SurveyKind.thermo: "こころん・サーモ",
}


def sentence(evidence: AttendanceEvidence | InfirmaryEvidence) -> Sentence:
    """The sentence of one piece of evidence that stands alone."""
    match evidence:
        case StreakEvidence():
            return _streak(evidence)
        case MonthEvidence():
            return _month(evidence)
        case WindowEvidence():
            return _window(evidence)
        case WeekdayEvidence():
            return _weekday(evidence)
        case LatenessEvidence():
            return Sentence(f"遅刻が{_growth(evidence)}。", _late_days(evidence))
        case CumulativeEvidence():
            return _cumulative(evidence)
        case InfirmaryEvidence():
            return _infirmary(evidence)
        case _:
            assert_never(evidence)


def _kinds(sick: int, other: int) -> str:
    return "・".join(f"{name}{count}" for name, count in (("病欠", sick), ("事故欠", other)) if count)


def _in_brackets(*parts: str) -> str:
    told = "、".join(filter(None, parts))
    return f"({told})" if told else ""


def _class(mean: float | None, when: str) -> str:
    return "" if mean is None else f"{when}、学級の欠席は1日平均{mean:.1f}人でした。"


def _class_then(mean: float | None, days: int) -> str:
    """The class on the child's days of absence, which need not be in a row."""
    return _class(mean, f"欠席した{days}日間" if days > 1 else "欠席した日")


def _streak(evidence: StreakEvidence) -> Sentence:
    days = len(evidence.dates)
    when = dates.span(evidence.dates[0], evidence.dates[-1])
    kinds = _kinds(evidence.sick, evidence.other)
    last_year = evidence.last_year_same_period
    earlier = "" if last_year is None else f"(昨年度の同じ時期は{last_year}日)"
    return Sentence(
        f"{days}日続けて欠席しています。" if days > 1 else "欠席しています。",
        f"{'、'.join(filter(None, (when, kinds)))}。今年度の欠席は計{evidence.year_absent}日{earlier}。"
        + _class(evidence.class_mean, f"同じ{days}日間" if days > 1 else "同じ日"),
    )


def _month(evidence: MonthEvidence) -> Sentence:
    days = dates.each_with_weekday(evidence.dates, told=evidence.month)
    return Sentence(
        f"{dates.month(evidence.month)}の欠席は授業日{evidence.school_days}日のうち{len(evidence.dates)}日",
        f"{_in_brackets(days, _kinds(evidence.sick, evidence.other))}。"
        + _month_before(evidence)
        + _not_counted(evidence.suspended, evidence.bereaved)
        + _class_then(evidence.class_mean, len(evidence.dates)),
    )


def _previous(month: date) -> str:
    """The month before; before September it is whichever last held school days."""
    return "その前の授業のある月" if month.month == 9 else f"{(month.month - 2) % 12 + 1}月"


def _month_before(evidence: MonthEvidence) -> str:
    if not evidence.previous_school_days or evidence.previous_absent is None:
        return ""
    days, absent = evidence.previous_school_days, evidence.previous_absent
    return f"{_previous(evidence.month)}は{days}日のうち{absent}日でした。"


def _not_counted(suspended: int, bereaved: int) -> str:
    if not suspended and not bereaved:
        return "この期間に出席停止・忌引はありません。"
    counts = (("出席停止", suspended), ("忌引", bereaved))
    told = "・".join(f"{name}{count}日" for name, count in counts if count)
    return f"この期間の{told}は欠席に数えていません。"


def _window(evidence: WindowEvidence) -> Sentence:
    days = dates.each_with_weekday(evidence.dates)
    before = evidence.previous_absent
    return Sentence(
        f"直近{evidence.school_days}授業日のうち{len(evidence.dates)}日欠席しています",
        f"{_in_brackets(days, _kinds(evidence.sick, evidence.other))}。"
        + ("" if before is None else f"その前の{evidence.school_days}授業日は{before}日でした。")
        + _class_then(evidence.class_mean, len(evidence.dates)),
    )


def _weekday(evidence: WeekdayEvidence) -> Sentence:
    name = dates.WEEKDAYS[evidence.weekday]
    return Sentence(
        f"{name}曜日の欠席が重なっています。",
        f"直近{evidence.occurrences}回の{name}曜({dates.plain_span(evidence.first, evidence.last)})のうち"
        f"{len(evidence.dates)}回:{dates.each(evidence.dates)}。"
        f"同じ期間のほかの曜日は{evidence.other_days}日のうち{evidence.other_absent}日です。",
    )


def _cumulative(evidence: CumulativeEvidence) -> Sentence:
    last_year = evidence.last_year_same_period
    kinds = _kinds(evidence.sick, evidence.other)
    return Sentence(
        f"今年度の欠席は授業日{evidence.school_days}日のうち計{evidence.year_absent}日です",
        f"{_in_brackets(kinds)}。"
        + ("" if last_year is None else f"昨年度の同じ時期は{last_year}日でした。"),
    )


def _growth(evidence: LatenessEvidence | InfirmaryEvidence) -> str:
    return "増えています" if grew(evidence) else "続いています"


def _numbers(evidence: LatenessEvidence | InfirmaryEvidence) -> str:
    return _in_brackets(dates.numbers(evidence.dates, evidence.first, evidence.last))


def _late_days(evidence: LatenessEvidence) -> str:
    return (
        f"直近10授業日({dates.plain_span(evidence.first, evidence.last)})で遅刻{len(evidence.dates)}日"
        f"{_numbers(evidence)}、その前の20授業日は{evidence.previous_late}日。"
    )


def _infirmary(evidence: InfirmaryEvidence) -> Sentence:
    return Sentence(
        f"保健室の利用が{_growth(evidence)}。",
        f"直近10授業日({dates.plain_span(evidence.first, evidence.last)})で{len(evidence.dates)}回"
        f"{_numbers(evidence)}、その前の20授業日は{evidence.previous_visits}回。{_SYMPTOMS}",
    )


def lateness_and_infirmary(late: LatenessEvidence, visits: InfirmaryEvidence) -> Sentence:
    """Both of the same 10 school days in one sentence."""
    return Sentence(
        "遅刻と保健室の利用が増えています。",
        f"{_late_days(late)}保健室の利用は{len(visits.dates)}回{_numbers(visits)}、"
        f"その前は{visits.previous_visits}回。{_SYMPTOMS}",
    )


def survey(evidence: SurveyEvidence, fact: AttendanceEvidence) -> Sentence:
    """Counts of positive answers, with a fact of attendance; no single answer."""
    lesson = evidence.survey is SurveyKind.lesson
    what, unit = ("『楽しい』と答えた教科", "教科") if lesson else ("肯定的に答えた項目", "項目")
    same = evidence.latest_asked == evidence.previous_asked
    of = "" if same else f"{evidence.latest_asked}{unit}中"
    return Sentence(
        f"{_SURVEYS[evidence.survey]}で{what}が、"
        f"{dates.plain(evidence.previous_on)}の{evidence.previous_asked}{unit}中{evidence.previous_positive}から、"
        f"{dates.plain(evidence.latest_on)}は{of}{evidence.latest_positive}になりました。",
        f"{_fact(fact)}個々の回答は表示しません。",
    )


def _fact(fact: AttendanceEvidence) -> str:
    match fact:
        case MonthEvidence():
            return f"欠席は{_months(fact)}です。"
        case StreakEvidence() | CumulativeEvidence():
            return f"今年度の欠席は計{fact.year_absent}日です。"
        case WindowEvidence():
            return f"欠席は直近{fact.school_days}授業日のうち{len(fact.dates)}日です。"
        case WeekdayEvidence():
            return f"欠席は{_weekday_days(fact.dates)}です。"
        case LatenessEvidence():
            return f"遅刻は直近10授業日で{len(fact.dates)}日です。"
        case _:
            assert_never(fact)


def _weekday_days(days: Sequence[date]) -> str:
    return f"{dates.WEEKDAYS[days[0].weekday()]}曜日に{len(days)}日"


def _months(fact: MonthEvidence) -> str:
    this = f"{dates.month(fact.month)}{len(fact.dates)}日間"
    if not fact.previous_school_days or fact.previous_absent is None:
        return this
    return f"{_previous(fact.month)}{fact.previous_absent}日間、{this}"
