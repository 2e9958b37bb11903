"""Survey indicators: means of the latest round and their change; no single answer is passed on.

``answered`` is 1 for a sheet with answers, 0 for one that came back empty; a child of whom no sheet
ever came has no vector at all.
"""

from collections.abc import Sequence
from datetime import date

from contracts.features import SurveyEvidence
from services.features.children import SurveyRound

_NAN = float("nan")
#: An answer from here on is a positive one.
_POSITIVE = 4


def survey_vector(rounds: Sequence[SurveyRound], on: date) -> list[float]:
    """The vector that holds from ``on``, in the order of the catalogue; ``rounds`` sorted by date."""
    past = [each for each in rounds if each.date <= on and not each.withdrawn]
    enjoy = [each.enjoy for each in past if each.enjoy]
    understand = [each.understand for each in past if each.understand]
    life = [each.life for each in past if each.life]
    return [
        _mean(enjoy[-1]) if enjoy else _NAN,
        _mean(understand[-1]) if understand else _NAN,
        round(_mean(enjoy[-1]) - _mean(enjoy[-2]), 4) if len(enjoy) > 1 else _NAN,
        _mean(life[-1]) if life else _NAN,
        float(bool(past[-1].answers)) if past else _NAN,
    ]


def survey_evidence(rounds: Sequence[SurveyRound]) -> list[SurveyEvidence]:
    """Subjects enjoyed in the latest round and the one before, where they have become fewer."""
    asked = [each for each in rounds if each.enjoy]
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
            previous_asked=len(previous.enjoy),
            latest_on=latest.date,
            latest_positive=now,
            latest_asked=len(latest.enjoy),
        )
    ]


def _mean(values: list[int]) -> float:
    return round(sum(values) / len(values), 4)


def _positive(each: SurveyRound) -> int:
    return sum(value >= _POSITIVE for value in each.enjoy)
