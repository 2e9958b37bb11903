"""Questionnaires: who is asked what and when, and the coded answers (1 least … 5 most) that come back."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.codes import SurveyKind
from simulator.courses import Stage
from simulator.population import Pupils
from simulator.randomness import stream
from simulator.settings import Settings
from simulator.years import CityYear

_LESSON = tuple(f"understand_{s}" for s in ("japanese", "math", "social", "science")) + tuple(
    f"enjoy_{s}" for s in ("japanese", "math", "social", "science", "english", "music", "art", "home", "pe")
)
_PREFECTURE = (
    "interest", "improvement", "opinion", "friends", "teacher", "can_ask", "lesson_speed", "family_talk",
    "commute_time", "study_time", "game_time", "phone_time",
)  # fmt: skip
_SCHOOL_LIFE = ("friends", "teacher", "belonging", "motivation", "sleep", "worries_heard")
_HAPPINESS = ("happy_school", "happy_home", "friends", "hope")
#: More of these is worse.
_REVERSED = frozenset({"game_time", "phone_time", "commute_time"})
_ABOUT_ONSET = (Stage.precursor, Stage.ramp, Stage.plateau, Stage.slow, Stage.continuing, Stage.relapse)
#: Share of answers at or below 1, 2, 3, 4 of a pupil in the middle; assumed (answers lean to the positive).
_CUTS = (-1.9, -1.1, -0.35, 0.7)


@dataclass(frozen=True)
class Round:
    """One round of a survey: month and day on or after which it is held, and the grades (counting through)."""

    kind: SurveyKind
    number: int
    month: int
    day: int
    grades: tuple[int, ...]
    questions: tuple[str, ...]


ROUNDS = (
    Round(SurveyKind.prefecture, 1, 5, 8, (4, 5, 6, 7, 8, 9), _PREFECTURE),
    Round(SurveyKind.school_life, 1, 5, 20, (7, 8), _SCHOOL_LIFE),
    Round(SurveyKind.lesson, 1, 6, 15, (4, 5, 6, 7, 8, 9), _LESSON),
    Round(SurveyKind.happiness, 1, 6, 25, (1, 2, 3, 4, 5, 6), _HAPPINESS),
    Round(SurveyKind.happiness, 2, 11, 20, (1, 2, 3, 4, 5, 6), _HAPPINESS),
    Round(SurveyKind.lesson, 2, 12, 8, (4, 5, 6, 7, 8, 9), _LESSON),
)


@dataclass(frozen=True)
class Answers:
    """One round's answers: ``row`` int [n] of the roster, ``day`` index, ``values`` int [n, question]."""

    round: Round
    day: int
    row: NDArray[np.int64]
    values: NDArray[np.int64]


def answer_surveys(settings: Settings, this: CityYear, traits: Pupils) -> list[Answers]:
    """All rounds of a school year; the absent answer less often, the vulnerable less happily."""
    return [_answer(settings, this, traits, held) for held in ROUNDS]


def _answer(settings: Settings, this: CityYear, traits: Pupils, held: Round) -> Answers:
    chosen = settings.surveys
    draw = stream(settings.seed, f"survey.{held.kind}.{held.number}", this.year)
    day = this.calendar.index_on_or_after(held.month, held.day)
    asked = np.isin(this.roster.grade, held.grades) & this.days.enrolled[:, day]
    away = this.days.propensity[:, day] > chosen.away_from
    missing = draw.random(len(asked)) < np.where(away, chosen.missing_away, chosen.missing)
    row = np.flatnonzero(asked & ~missing)
    sinking = np.isin(this.days.stage[row, day], _ABOUT_ONSET)
    mood = -chosen.loading * traits.vulnerability[this.roster.pupil[row]] - chosen.onset_shift * sinking
    noise = draw.standard_normal((len(row), len(held.questions))) * np.sqrt(1 - chosen.loading**2)
    sign = np.array([-1 if question in _REVERSED else 1 for question in held.questions])
    values = np.searchsorted(_CUTS, sign * (mood[:, None] + noise)) + 1
    return Answers(held, day, row, values)
