"""Reasons in words: the model sentences to the letter, and what holds for any evidence."""

import re
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codes import Item, Rule, SurveyKind
from contracts.features import (
    CumulativeEvidence,
    Evidence,
    InfirmaryEvidence,
    LatenessEvidence,
    MonthEvidence,
    StreakEvidence,
    SurveyEvidence,
    WeekdayEvidence,
    WindowEvidence,
)
from contracts.risk import Reason
from services.gateway.views import Language
from services.gateway.words import sentences

FORBIDDEN = re.compile("高リスク|危険|異常|疑い|予備軍|不登校|怠学|無気力|のため|risk|score|%")


def days(month: int, *numbers: int) -> list[date]:
    return [date(2026, month, number) for number in numbers]


def told(*evidence: Evidence, language: Language = Language.ja, rules: tuple[Rule, ...] = ()) -> list[str]:
    reasons = [Reason(Item.attendance, list(rules), each) for each in evidence]
    return [sentence.text for sentence in sentences(reasons, language)]


STREAK = StreakEvidence(days(6, 9, 10, 11), 2, 1, 5, 1, 0.7)
MAY = MonthEvidence(date(2026, 5, 1), 18, days(5, 8, 12, 20, 27), 3, 1, 0, 0, 16, 1, None)
NOVEMBER = MonthEvidence(date(2026, 11, 1), 19, days(11, 6, 12, 27), 3, 0, 0, 0, 21, 1, None)
MONDAYS = WeekdayEvidence(0, 6, date(2026, 5, 11), date(2026, 6, 15), days(5, 18) + days(6, 1, 8, 15), 20, 1)
LATE = LatenessEvidence(date(2026, 6, 2), date(2026, 6, 15), days(6, 2, 4, 9, 11, 15), 1)
VISITS = InfirmaryEvidence(date(2026, 6, 2), date(2026, 6, 15), days(6, 3, 10, 12), 0)
SURVEY = SurveyEvidence(SurveyKind.lesson, date(2026, 6, 18), 7, 9, date(2026, 12, 10), 3, 9)


def test_three_days_in_a_row() -> None:
    assert told(STREAK) == [
        "3日続けて欠席しています。6月9日(火)〜11日(木)、病欠2・事故欠1。"
        "今年度の欠席は計5日(昨年度の同じ時期は1日)。"
        "同じ3日間、学級の欠席は1日平均0.7人でした。"
    ]


def test_a_month_beside_the_month_before() -> None:
    assert told(MAY) == [
        "5月の欠席は授業日18日のうち4日(8日(金)・12日(火)・20日(水)・27日(水)、病欠3・事故欠1)。"
        "4月は16日のうち1日でした。この期間に出席停止・忌引はありません。"
    ]


def test_absences_gather_on_a_weekday() -> None:
    assert told(MONDAYS) == [
        "月曜日の欠席が重なっています。直近6回の月曜(5月11日〜6月15日)のうち4回:5月18日、6月1日・8日・15日。"
        "同じ期間のほかの曜日は20日のうち1日です。"
    ]


def test_lateness_and_infirmary_of_the_same_days_are_one_sentence() -> None:
    assert told(LATE, VISITS) == [
        "遅刻と保健室の利用が増えています。直近10授業日(6月2日〜15日)で遅刻5日(2・4・9・11・15日)、"
        "その前の20授業日は1日。保健室の利用は3回(3・10・12日)、その前は0回。"
        "症状は養護教諭が確認できます。"
    ]


def test_a_survey_stands_beside_a_fact_of_attendance() -> None:
    survey = told(SURVEY, NOVEMBER)[-1]
    assert survey == (
        "授業がわかる調査で『楽しい』と答えた教科が、6月18日の9教科中7から、12月10日は3になりました。"
        "欠席は10月1日間、11月3日間です。個々の回答は表示しません。"
    )


def test_a_survey_alone_says_nothing() -> None:
    assert told(SURVEY) == []


def test_a_reader_without_the_infirmary_hears_of_lateness_alone() -> None:
    assert told(LATE) == [
        "遅刻が増えています。直近10授業日(6月2日〜15日)で遅刻5日(2・4・9・11・15日)、その前の20授業日は1日。"
    ]


def test_growth_is_claimed_only_when_the_rate_grew() -> None:
    steady = LatenessEvidence(LATE.first, LATE.last, LATE.dates, 10)
    assert told(steady)[0].startswith("遅刻が続いています。")
    assert len(told(steady, VISITS)) == 2


def test_a_span_over_two_months_names_both() -> None:
    over = StreakEvidence([date(2026, 5, 29), date(2026, 6, 1)], 0, 2, 2, None, None)
    assert told(over) == ["2日続けて欠席しています。5月29日(金)〜6月1日(月)、事故欠2。今年度の欠席は計2日。"]


def test_what_stays_out_of_the_count_is_told() -> None:
    month = MonthEvidence(date(2026, 4, 1), 16, days(4, 14), 1, 0, 2, 1, None, None, 0.5)
    assert told(month) == [
        "4月の欠席は授業日16日のうち1日(14日(火)、病欠1)。"
        "この期間の出席停止2日・忌引1日は欠席に数えていません。欠席した日、学級の欠席は1日平均0.5人でした。"
    ]


def test_january_is_compared_with_december() -> None:
    month = MonthEvidence(date(2027, 1, 1), 15, [date(2027, 1, 12)], 1, 0, 0, 0, 17, 2, None)
    assert "12月は17日のうち2日でした。" in told(month)[0]


def test_the_month_before_september_is_not_called_august() -> None:
    month = MonthEvidence(date(2026, 9, 1), 19, days(9, 3, 10), 2, 0, 0, 0, 14, 1, None)
    assert "その前の授業のある月は14日のうち1日でした。" in told(month)[0]


def test_an_unknown_earlier_period_is_not_told_as_zero() -> None:
    window = WindowEvidence(20, days(6, 1, 2, 3), 3, 0, None, None)
    assert told(window) == ["直近20授業日のうち3日欠席しています(6月1日(月)・2日(火)・3日(水)、病欠3)。"]
    assert "昨年度" not in told(CumulativeEvidence(12, 9, 3, 146, None))[0]


def test_seven_days_in_a_row_add_the_duty_to_report_once() -> None:
    texts = told(STREAK, MAY, rules=(Rule.streak_7,))
    assert [text for text in texts if "施行令第20条" in text] == [texts[-1]]


def test_the_english_of_the_first_model_sentence() -> None:
    assert told(STREAK, language=Language.en) == [
        "Absent 3 school days in a row. Tue 9 – Thu 11 June: 2 sick, 1 other. "
        "5 days absent in this school year (1 day by the same time last year). "
        "On these 3 days the class had 0.7 other children absent a day on average."
    ]


# --- what holds for any evidence ---

_count = st.integers(0, 200)
_maybe = st.none() | _count
_mean = st.none() | st.floats(0, 40)
_first = st.dates(date(2025, 4, 1), date(2027, 3, 1))
_dates = st.builds(
    lambda first, gaps: [first + timedelta(days=sum(gaps[: n + 1])) for n in range(len(gaps))],
    _first,
    st.lists(st.integers(1, 9), min_size=1, max_size=12),
)
_span = st.tuples(_first, st.integers(0, 30)).map(lambda pair: (pair[0], pair[0] + timedelta(days=pair[1])))
_evidence: st.SearchStrategy[Evidence] = st.one_of(
    st.builds(StreakEvidence, _dates, _count, _count, _count, _maybe, _mean),
    st.builds(MonthEvidence, _first, _count, _dates, _count, _count, _count, _count, _maybe, _maybe, _mean),
    st.builds(WindowEvidence, _count, _dates, _count, _count, _maybe, _mean),
    _span.flatmap(
        lambda span: st.builds(
            WeekdayEvidence,
            st.integers(0, 6),
            _count,
            st.just(span[0]),
            st.just(span[1]),
            _dates,
            _count,
            _count,
        )
    ),
    _span.flatmap(
        lambda span: st.builds(LatenessEvidence, st.just(span[0]), st.just(span[1]), _dates, _count)
    ),
    _span.flatmap(
        lambda span: st.builds(InfirmaryEvidence, st.just(span[0]), st.just(span[1]), _dates, _count)
    ),
    st.builds(CumulativeEvidence, _count, _count, _count, _count, _maybe),
    st.builds(SurveyEvidence, st.sampled_from(SurveyKind), _first, _count, _count, _first, _count, _count),
)


@pytest.mark.parametrize("language", Language)
@given(
    evidence=st.lists(_evidence, min_size=1, max_size=5), rules=st.lists(st.sampled_from(Rule), max_size=3)
)
def test_no_evidence_makes_a_forbidden_or_broken_sentence(
    language: Language, evidence: list[Evidence], rules: list[Rule]
) -> None:
    for text in told(*evidence, language=language, rules=tuple(rules)):
        assert not FORBIDDEN.search(text), text
        assert not re.search(r"None|nan|[{}]|\(\)|。。|\.\.|  ", text), text
        assert text.endswith(("。", ")", ".")), text


@given(evidence=st.lists(_evidence, min_size=1, max_size=5))
def test_both_languages_tell_the_same_number_of_reasons(evidence: list[Evidence]) -> None:
    assert len(told(*evidence)) == len(told(*evidence, language=Language.en))


def test_a_sentence_names_its_readers_where_the_circle_is_closer() -> None:
    teacher = SurveyEvidence(SurveyKind.prefecture, date(2026, 4, 20), 7, 9, date(2026, 6, 10), 2, 9)
    reasons = [
        Reason(Item.attendance, [], LATE),
        Reason(Item.infirmary_count, [], VISITS),
        Reason(Item.survey, [], teacher),
        Reason(Item.attendance, [], STREAK),
    ]
    audiences = [sentence.audience for sentence in sentences(reasons, Language.ja)]
    assert audiences == ["infirmary_count", "", "survey_about_teacher"]
