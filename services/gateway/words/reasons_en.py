"""Reasons in English."""

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
from services.gateway.words import dates_en as dates
from services.gateway.words.growth import grew
from services.gateway.words.sentence import Sentence

_SYMPTOMS = "The school nurse can look up the symptoms."
_SURVEYS = {
    SurveyKind.lesson: "lesson survey",
    SurveyKind.school_life: "school life questionnaire",
    SurveyKind.prefecture: "prefecture's pupil questionnaire",
    SurveyKind.happiness: "happiness questionnaire",
    SurveyKind.weather: "weather of the heart",
    SurveyKind.thermo: "Kokoron Thermo",
}


def _told(lead: str, *rest: str) -> Sentence:
    return Sentence(lead, " ".join(filter(None, rest)), space=" ")


SEVEN_IN_A_ROW = _told(
    "After 7 school days of absence in a row without good reason the head informs the board of education.",
    "(Order for Enforcement of the School Education Act, article 20)",
)


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
            return _told(f"Lateness {_growth(evidence)}.", _late_days(evidence))
        case CumulativeEvidence():
            return _cumulative(evidence)
        case InfirmaryEvidence():
            return _infirmary(evidence)
        case _:
            assert_never(evidence)


def _days(count: int) -> str:
    return f"{count} day" if count == 1 else f"{count} days"


def _school_days(count: int) -> str:
    return f"{count} school day" if count == 1 else f"{count} school days"


def _visits(count: int) -> str:
    return f"{count} visit" if count == 1 else f"{count} visits"


def _kinds(sick: int, other: int) -> str:
    return ", ".join(f"{count} {name}" for name, count in (("sick", sick), ("other", other)) if count)


def _in_brackets(*parts: str) -> str:
    told = "; ".join(filter(None, parts))
    return f" ({told})" if told else ""


def _counted(lead: str, brackets: str, *rest: str) -> Sentence:
    """A lead whose details follow in brackets, then the full stop."""
    return _told(lead, f"{brackets.strip()}.", *rest) if brackets else _told(f"{lead}.", *rest)


def _class(mean: float | None, when: str) -> str:
    return "" if mean is None else f"{when} the class had {mean:.1f} other children absent a day on average."


def _these(days: int) -> str:
    return f"these {days} days" if days > 1 else "this day"


def _streak(evidence: StreakEvidence) -> Sentence:
    days = len(evidence.dates)
    when = dates.span(evidence.dates[0], evidence.dates[-1])
    kinds = _kinds(evidence.sick, evidence.other)
    last_year = evidence.last_year_same_period
    earlier = "" if last_year is None else f" ({_days(last_year)} by the same time last year)"
    return _told(
        f"Absent {_school_days(days)} in a row." if days > 1 else "Absent.",
        f"{': '.join(filter(None, (when, kinds)))}.",
        f"{_days(evidence.year_absent)} absent in this school year{earlier}.",
        _class(evidence.class_mean, f"On {_these(days)}"),
    )


def _month(evidence: MonthEvidence) -> Sentence:
    days = dates.each_with_weekday(evidence.dates)
    of_month = f"{_school_days(evidence.school_days)} in {dates.month(evidence.month)}"
    return _counted(
        f"Absent on {len(evidence.dates)} of {of_month}",
        _in_brackets(days, _kinds(evidence.sick, evidence.other)),
        _month_before(evidence),
        _not_counted(evidence.suspended, evidence.bereaved),
        _class(evidence.class_mean, f"On {_these(len(evidence.dates))}"),
    )


def _previous(month: date) -> str:
    """The month before; before September it is whichever last held school days."""
    return "the last month with school" if month.month == 9 else dates.MONTHS[(month.month - 2) % 12]


def _month_before(evidence: MonthEvidence) -> str:
    if not evidence.previous_school_days or evidence.previous_absent is None:
        return ""
    return f"In {_previous(evidence.month)}: {evidence.previous_absent} of {evidence.previous_school_days}."


def _not_counted(suspended: int, bereaved: int) -> str:
    if not suspended and not bereaved:
        return "No suspension of attendance or bereavement in this time."
    counts = (("suspended", suspended), ("bereaved", bereaved))
    told = dates.joined([f"{_days(count)} {name}" for name, count in counts if count])
    return f"Not counted as absence: {told}."


def _window(evidence: WindowEvidence) -> Sentence:
    days = dates.each_with_weekday(evidence.dates)
    before = evidence.previous_absent
    span = _school_days(evidence.school_days)
    return _counted(
        f"Absent on {len(evidence.dates)} of the last {span}",
        _in_brackets(days, _kinds(evidence.sick, evidence.other)),
        "" if before is None else f"The {span} before: {before}.",
        _class(evidence.class_mean, f"On {_these(len(evidence.dates))}"),
    )


def _weekday(evidence: WeekdayEvidence) -> Sentence:
    name = dates.WEEKDAYS[evidence.weekday]
    return _told(
        f"Absences gather on {name}s.",
        f"{len(evidence.dates)} of the last {evidence.occurrences} {name}s "
        f"({dates.plain_span(evidence.first, evidence.last)}): {dates.each(evidence.dates)}.",
        f"On the other weekdays of that time: {evidence.other_absent} of {_days(evidence.other_days)}.",
    )


def _cumulative(evidence: CumulativeEvidence) -> Sentence:
    last_year = evidence.last_year_same_period
    kinds = _kinds(evidence.sick, evidence.other)
    return _counted(
        f"Absent on {evidence.year_absent} of {_school_days(evidence.school_days)} in this school year",
        _in_brackets(kinds),
        "" if last_year is None else f"By the same time last year: {_days(last_year)}.",
    )


def _growth(evidence: LatenessEvidence | InfirmaryEvidence) -> str:
    return "has grown" if grew(evidence) else "goes on"


def _which(evidence: LatenessEvidence | InfirmaryEvidence) -> str:
    return _in_brackets(dates.each(evidence.dates))


def _late_days(evidence: LatenessEvidence) -> str:
    return (
        f"Late on {_days(len(evidence.dates))}{_which(evidence)} of the last 10 school days "
        f"({dates.plain_span(evidence.first, evidence.last)}); on {evidence.previous_late} of the 20 before."
    )


def _infirmary(evidence: InfirmaryEvidence) -> Sentence:
    return _told(
        f"Use of the infirmary {_growth(evidence)}.",
        f"{_visits(len(evidence.dates))}{_which(evidence)} in the last 10 school days "
        f"({dates.plain_span(evidence.first, evidence.last)}); {evidence.previous_visits} in the 20 before.",
        _SYMPTOMS,
    )


def lateness_and_infirmary(late: LatenessEvidence, visits: InfirmaryEvidence) -> Sentence:
    """Both of the same 10 school days in one sentence."""
    return _told(
        "Lateness and use of the infirmary have grown.",
        _late_days(late),
        f"Infirmary: {_visits(len(visits.dates))}{_which(visits)}; {visits.previous_visits} before.",
        _SYMPTOMS,
    )


def survey(evidence: SurveyEvidence, fact: AttendanceEvidence) -> Sentence:
    """Counts of positive answers, with a fact of attendance; no single answer."""
    lesson = evidence.survey is SurveyKind.lesson
    what = "subjects called enjoyable" if lesson else "questions answered positively"
    return _told(
        f"In the {_SURVEYS[evidence.survey]}, {what} went from {evidence.previous_positive} of "
        f"{evidence.previous_asked} on {dates.plain(evidence.previous_on)} to {evidence.latest_positive} of "
        f"{evidence.latest_asked} on {dates.plain(evidence.latest_on)}.",
        _fact(fact),
        "Single answers are not shown.",
    )


def _fact(fact: AttendanceEvidence) -> str:
    match fact:
        case MonthEvidence():
            return f"Absent: {_months(fact)}."
        case StreakEvidence() | CumulativeEvidence():
            return f"{_days(fact.year_absent)} absent in this school year."
        case WindowEvidence():
            return f"Absent on {len(fact.dates)} of the last {_school_days(fact.school_days)}."
        case WeekdayEvidence():
            return f"Absent on {len(fact.dates)} {dates.WEEKDAYS[fact.weekday]}s."
        case LatenessEvidence():
            return f"Late on {len(fact.dates)} of the last 10 school days."
        case _:
            assert_never(fact)


def _months(fact: MonthEvidence) -> str:
    this = f"{_days(len(fact.dates))} in {dates.month(fact.month)}"
    if not fact.previous_school_days or fact.previous_absent is None:
        return this
    return f"{_days(fact.previous_absent)} in {_previous(fact.month)}, {this}"
