"""Survey answers as events; the survey system names a child by kana and birth date, sometimes wrongly."""

from dataclasses import dataclass
from datetime import date, timedelta

from contracts.records import PupilRef, SurveyAnswer, SurveyAnswered
from simulator.drafts import SURVEYS, Draft
from simulator.population import Pupils
from simulator.randomness import stream
from simulator.settings import Settings
from simulator.surveys import Answers
from simulator.years import CityYear

_HELD_MINUTES = (13 * 60, 15 * 60)
_WRITTEN_AFTER = 16 * 60


@dataclass(frozen=True)
class _Sheet:
    """What is common to all answers of a round."""

    answers: Answers
    year: int
    on: date


def survey_drafts(settings: Settings, this: CityYear, traits: Pupils, answers: Answers) -> list[Draft]:
    """Drafts of one round, delivered in the afternoon of the day on which it is held."""
    held = answers.round
    draw = stream(settings.seed, f"sheets.{held.kind}.{held.number}", this.year)
    sheet = _Sheet(answers, this.year, this.calendar.days[answers.day])
    wrong = draw.random(len(answers.row)) < settings.surveys.wrong_reference
    minutes = draw.integers(_WRITTEN_AFTER, _WRITTEN_AFTER + 60, len(answers.row)).tolist()
    pupils = this.roster.pupil[answers.row].tolist()
    return [
        _draft(sheet, position, minute, reference(traits, pupil, bool(mistaken)))
        for position, (minute, pupil, mistaken) in enumerate(zip(minutes, pupils, wrong, strict=True))
    ]


def reference(traits: Pupils, pupil: int, mistaken: bool) -> PupilRef:
    """Kana of the name used in school, and the birth date; a mistake is a wrong day or a lost kana letter."""
    person = traits.people[pupil]
    name = person.school or person.registered
    birth = date.fromordinal(int(traits.birth_ordinal[pupil]))
    given = name.given_kana
    if mistaken and pupil % 2 and len(given) > 1:
        given = given[1:]
    elif mistaken:
        birth += timedelta(days=1)
    return PupilRef(family_kana=name.family_kana, given_kana=given, birth_date=birth)


def _draft(sheet: _Sheet, position: int, minute: int, pupil: PupilRef) -> Draft:
    held = sheet.answers.round
    values = sheet.answers.values[position].tolist()
    given = [SurveyAnswer(question, value) for question, value in zip(held.questions, values, strict=True)]
    body = SurveyAnswered(pupil, held.kind, sheet.year, held.number, sheet.on, given)
    return Draft(minute, body, sheet.on, SURVEYS, _HELD_MINUTES[0])


def survey_days(all_answers: list[Answers]) -> dict[int, list[Answers]]:
    """Rounds by the index of the school day on which they are held."""
    days: dict[int, list[Answers]] = {}
    for answers in all_answers:
        days.setdefault(answers.day, []).append(answers)
    return days
