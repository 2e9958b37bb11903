"""Survey indicators: means of the latest round and their change; no single answer is passed on.

``answered`` is 1 for a sheet with answers, 0 for one that came back empty; a child of whom no sheet
ever came has no vector at all.
"""

from collections.abc import Sequence
from datetime import date

from contracts.codes import SurveyKind
from contracts.features import SurveyEvidence
from services.features.children import SurveyRound

_NAN = float("nan")
_ENJOY, _UNDERSTAND = "enjoy_", "understand_"
#: Kinds whose answers tell how life at school is (学校生活).
_LIFE = (SurveyKind.school_life, SurveyKind.happiness)
#: An answer from here on is a positive one.
_POSITIVE = 4


def survey_vector(rounds: Sequence[SurveyRound], on: date) -> list[float]:
    """The vector that holds from ``on``, in the order of the catalogue; ``rounds`` sorted by date."""
    past = [each for each in rounds if each.date <= on]
    enjoy = [_mean(each, _ENJOY) for each in past if _asked(each, _ENJOY)]
    understand = [_mean(each, _UNDERSTAND) for each in past if _asked(each, _UNDERSTAND)]
    life = [_mean(each, "") for each in past if each.survey in _LIFE and each.answers]
    return [
        enjoy[-1] if enjoy else _NAN,
        understand[-1] if understand else _NAN,
        round(enjoy[-1] - enjoy[-2], 4) if len(enjoy) > 1 else _NAN,
        life[-1] if life else _NAN,
        float(bool(past[-1].answers)) if past else _NAN,
    ]


def survey_evidence(rounds: Sequence[SurveyRound]) -> list[SurveyEvidence]:
    """Subjects enjoyed in the latest round and the one before, where they have become fewer."""
    asked = [each for each in rounds if _asked(each, _ENJOY)]
    if len(asked) < 2:
        return []
    previous, latest = asked[-2:]
    was, now = _positive(previous), _positive(latest)
    if now >= was:
        return []
    return [
        SurveyEvidence(
            survey=latest.survey,
            previous_on=previous.date,
            previous_positive=was,
            previous_asked=len(_asked(previous, _ENJOY)),
            latest_on=latest.date,
            latest_positive=now,
            latest_asked=len(_asked(latest, _ENJOY)),
        )
    ]


def _asked(each: SurveyRound, prefix: str) -> list[int]:
    return [value for code, value in each.answers if code.startswith(prefix)]


def _mean(each: SurveyRound, prefix: str) -> float:
    values = _asked(each, prefix)
    return round(sum(values) / len(values), 4)


def _positive(each: SurveyRound) -> int:
    return sum(value >= _POSITIVE for value in _asked(each, _ENJOY))
