"""Who may hear which part of a child's knowledge: every reason and every survey figure belongs to one audience.

Answers about the teacher never reach the 担任; answers about the family stay with 養護教諭, SC and 管理職.
An audience is an item, or a part of the item survey.
"""

from collections.abc import Iterable
from enum import StrEnum

from contracts.codes import SURVEYS_ABOUT_TEACHER, Item
from contracts.facts import Indicator
from contracts.features import SurveyEvidence
from contracts.risk import Reason


class SurveyPart(StrEnum):
    """Audiences within the item survey."""

    general = "survey"
    about_teacher = "survey_about_teacher"
    about_family = "survey_about_family"


_ABOUT_TEACHER = frozenset({"teacher", "can_ask", "lesson_speed", "worries_heard"})
_ABOUT_FAMILY = frozenset({"family_talk", "happy_home"})
#: Questions where a high answer is not a good one (minutes of games, way to school): no part of the figure.
_NEUTRAL = frozenset({"game_time", "phone_time", "commute_time", "study_time"})
#: An answer of at least this counts as positive (1 least … 5 most).
POSITIVE = 4


def of_question(code: str) -> SurveyPart:
    """The audience of one coded question."""
    if code in _ABOUT_TEACHER or code.startswith("teacher_"):
        return SurveyPart.about_teacher
    if code in _ABOUT_FAMILY or code.startswith("family_"):
        return SurveyPart.about_family
    return SurveyPart.general


def tally(indicators: Iterable[Indicator]) -> dict[SurveyPart, tuple[int, int]]:
    """Positive answers and asked questions of each audience; the answers themselves are not kept."""
    found = dict.fromkeys(SurveyPart, (0, 0))
    for each in indicators:
        if each.code in _NEUTRAL:
            continue
        part = of_question(each.code)
        positive, asked = found[part]
        found[part] = (positive + (each.value >= POSITIVE), asked + 1)
    return found


def of_reason(reason: Reason) -> str:
    """The audience of an alert's reason."""
    evidence = reason.evidence
    if isinstance(evidence, SurveyEvidence) and evidence.survey in SURVEYS_ABOUT_TEACHER:
        return SurveyPart.about_teacher
    return reason.item


def item_of(audience: str) -> Item:
    """The item that an audience belongs to."""
    return Item.survey if audience in set(SurveyPart) else Item(audience)
