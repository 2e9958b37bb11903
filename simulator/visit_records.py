"""Infirmary visits as events; the infirmary writes school, class and 出席番号 (教育ID), not the pupil's number."""

import numpy as np

from contracts.codes import InfirmaryKind, Symptom
from contracts.records import InfirmaryVisited, PupilRef
from simulator.courses import Stage
from simulator.drafts import Draft
from simulator.randomness import stream
from simulator.schools import School, grade_number
from simulator.settings import Settings
from simulator.years import CityYear

_OPEN_MINUTES = (9 * 60, 15 * 60)
_STAY_MINUTES = (10, 60)
_INTERNAL = (Symptom.headache, Symptom.stomach_ache, Symptom.nausea, Symptom.fever, Symptom.fatigue)
_TROUBLED = (*_INTERNAL, Symptom.anxiety, Symptom.rest)


class Infirmary:
    """Drafts of one school year's visits, day by day."""

    def __init__(self, settings: Settings, schools: list[School], this: CityYear) -> None:
        self._settings, self._schools, self._this = settings, schools, this
        self._draw = stream(settings.seed, "infirmary", this.year)
        self._written = 0

    def drafts(self, day: int) -> list[Draft]:
        """Visits of a school day, written when the pupil leaves. Days must be asked for in order."""
        return [self._visit(row, day) for row in np.flatnonzero(self._this.days.visits[:, day]).tolist()]

    def _visit(self, row: int, day: int) -> Draft:
        self._written += 1
        entered, stay = int(self._draw.integers(*_OPEN_MINUTES)), int(self._draw.integers(*_STAY_MINUTES))
        troubled = self._this.days.stage[row, day] not in (Stage.none, Stage.reluctant)
        internal = bool(self._draw.random() < self._settings.signals.internal_share) or bool(troubled)
        symptoms = (_TROUBLED if troubled else _INTERNAL) if internal else (Symptom.injury,)
        roster, about = self._this.roster, self._this.calendar.days[day]
        room = roster.classes[int(roster.room[row])]
        school = self._schools[room.school].code
        body = InfirmaryVisited(
            visit_id=f"V{self._this.year}-{self._written:06d}",
            pupil=PupilRef(
                school=school,
                school_year=self._this.year,
                grade=grade_number(room.grade),
                class_label=room.label,
                number=int(roster.number[row]),
            ),
            school=school,
            date=about,
            kind=InfirmaryKind.internal if internal else InfirmaryKind.external,
            symptom=symptoms[int(self._draw.integers(len(symptoms)))],
            entered_minute=entered,
            left_minute=entered + stay,
        )
        return Draft(entered + stay, body, about, about_minute=entered)
