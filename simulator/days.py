"""One school year's attendance: every cause put together into one code and its flags per enrolment and day.

This is the world as it finally stands in good records; what is written when, and wrongly, is the part of
recording.py. Later causes override earlier ones: sickness, staying away, journeys, 出席停止, 学級閉鎖.
"""

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from simulator import illness, influenza, signals
from simulator.calendar import SchoolCalendar
from simulator.courses import Courses, Stage, stay_away
from simulator.episodes import Kind
from simulator.population import Pupils
from simulator.randomness import stream
from simulator.rosters import Roster
from simulator.settings import Settings

_AWAY_FROM_SCHOOL = (Stage.plateau, Stage.continuing, Stage.relapse)
_PARTLY_BACK = (*_AWAY_FROM_SCHOOL, Stage.ramp, Stage.recovering)
_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True)
class YearDays:
    """One school year; every array is [row, day] but ``kind``, [row]; rows are those of the roster.

    ``status`` and ``flags`` hold contract codes (uint8; 0 outside the enrolment, 8 where the class has no
    school); ``visits`` counts infirmary visits; ``flu`` marks 出席停止 for influenza. Truth: ``kind``, ``stage``
    and ``propensity`` (chance of staying away that day).
    """

    status: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    visits: NDArray[np.uint8]
    enrolled: NDArray[np.bool_]
    flu: NDArray[np.bool_]
    kind: NDArray[np.uint8]
    stage: NDArray[np.uint8]
    propensity: NDArray[np.float32]

    @property
    def absent(self) -> NDArray[np.bool_]:
        """病欠 and 事故欠, bool [row, day]."""
        return np.asarray((self.status == Code.sick) | (self.status == Code.other))


def live(
    settings: Settings, roster: Roster, calendar: SchoolCalendar, traits: Pupils, courses: Courses
) -> YearDays:
    """Live through a school year."""
    away, sick_note, external = _away_days(settings, roster.year, courses)
    to_rows = _ToRows(roster, courses, len(traits))
    enrolled = roster.enrolled(len(calendar.days))
    is_open = np.asarray(calendar.open[roster.school, roster.grade] & enrolled)
    causes = _causes(settings, roster, calendar, traits)
    status = np.where(is_open, Code.present, Code.no_school).astype(np.uint8)
    _book(status, is_open, ((causes.family, Code.other), (causes.sick, Code.sick)))
    _book(status, is_open, ((to_rows(away & ~sick_note), Code.other), (to_rows(away & sick_note), Code.sick)))
    at_school = status == Code.present
    _book(status, is_open, ((causes.travel, Code.other), (causes.long_ill, Code.sick)))
    outbreak = _influenza(settings, roster, calendar, causes.sick & is_open, status == Code.present)
    flu = outbreak.suspended & ~to_rows(away) & ~causes.long_ill & ~causes.travel
    _book(status, is_open & at_school, ((causes.exam, Code.authorised), (causes.bereaved, Code.bereaved)))
    _book(status, is_open, ((flu, Code.suspended), (outbreak.closed[roster.room], Code.class_closed)))
    status[~enrolled] = Code.unknown
    stage = _with_other_causes(to_rows(courses.stage), causes)
    flags, visits = signals.draw_signals(settings, roster, status, stage, calendar)
    flags |= _special_rooms(settings, roster, status, stage)
    flags[to_rows(external) & (status == Code.present)] = Flag.counted_present
    kind = np.asarray(to_rows(courses.kind[:, None])[:, 0])
    flu &= status == Code.suspended
    return YearDays(status, flags, visits, enrolled, flu, kind, stage, to_rows(courses.propensity))


@dataclass(frozen=True)
class _Causes:
    """Absence for other reasons, bool [row, day] each."""

    sick: NDArray[np.bool_]
    family: NDArray[np.bool_]
    long_ill: NDArray[np.bool_]
    travel: NDArray[np.bool_]
    bereaved: NDArray[np.bool_]
    exam: NDArray[np.bool_]


class _ToRows:
    """Spreads arrays of the pupils with a course over all rows of the roster; 0 for the others."""

    def __init__(self, roster: Roster, courses: Courses, pupil_count: int) -> None:
        position = np.full(pupil_count, -1)
        position[courses.pupil] = np.arange(len(courses.pupil))
        self._row_count = len(roster)
        self._rows = np.flatnonzero(position[roster.pupil] >= 0)
        self._source = position[roster.pupil[self._rows]]

    def __call__(self, values: NDArray[_Number]) -> NDArray[_Number]:
        spread = np.zeros((self._row_count, values.shape[1]), dtype=values.dtype)
        spread[self._rows] = values[self._source]
        return spread


def _book(
    status: NDArray[np.uint8], where: NDArray[np.bool_], causes: tuple[tuple[NDArray[np.bool_], Code], ...]
) -> None:
    for days, code in causes:
        status[days & where] = code


def _away_days(
    settings: Settings, year: int, courses: Courses
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]:
    """Days away, those of them that the parents call sickness, and days at an external place; [k, d] each.

    Early on most absences are reported as 病欠, later as 事故欠; chronic illness always as 病欠.
    """
    chosen = settings.nonattendance
    draw = stream(settings.seed, "away", year)
    away = stay_away(chosen, courses, draw)
    early, late = chosen.booked_sick
    share = early + (late - early) * courses.growth
    share = np.where((courses.kind == Kind.slow)[:, None], early, share)
    share = np.where((courses.kind == Kind.chronic)[:, None], 1.0, share)
    user = draw.random(len(courses.pupil)) < chosen.counted_present_users
    external = away & user[:, None] & np.isin(courses.stage, _AWAY_FROM_SCHOOL)
    external &= draw.random(away.shape) < chosen.counted_present
    return away & ~external, draw.random(away.shape) < share, external


def _causes(settings: Settings, roster: Roster, calendar: SchoolCalendar, traits: Pupils) -> _Causes:
    draw = stream(settings.seed, "illness", roster.year)
    rows, days = len(roster), len(calendar.days)
    sick = illness.ordinary_sickness(
        settings.illness, draw, roster.grade, traits.proneness[roster.pupil], calendar
    )
    spans = (
        sick,
        illness.family_reasons(settings.illness, draw, traits.proneness[roster.pupil], calendar),
        illness.long_illness(settings.illness, draw, rows, days),
        illness.journeys(settings.illness, draw, rows, calendar),
        illness.bereavements(settings.illness, draw, rows, days),
        illness.entrance_exams(settings.illness, draw, roster.grade, calendar),
    )
    return _Causes(*(span.mark(rows, days) for span in spans))


def _influenza(
    settings: Settings,
    roster: Roster,
    calendar: SchoolCalendar,
    sick: NDArray[np.bool_],
    mixing: NDArray[np.bool_],
) -> influenza.Outbreak:
    draw = stream(settings.seed, "influenza", roster.year)
    return influenza.spread(
        settings.influenza, draw, roster.room, len(roster.classes), sick, mixing, calendar
    )


def _with_other_causes(stage: NDArray[np.uint8], causes: _Causes) -> NDArray[np.uint8]:
    stage[causes.travel] = Stage.travel
    stage[causes.long_ill] = Stage.long_illness
    return stage


def _special_rooms(
    settings: Settings, roster: Roster, status: NDArray[np.uint8], stage: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """別室登校 of those who use it, uint8 flags [row, day]."""
    chosen = settings.nonattendance
    draw = stream(settings.seed, "rooms", roster.year)
    user = draw.random(len(roster)) < chosen.separate_room_users
    flags = np.zeros(status.shape, dtype=np.uint8)
    rows = np.flatnonzero(user & np.isin(stage, _PARTLY_BACK).any(axis=1))
    partly = np.isin(stage[rows], _PARTLY_BACK) & (status[rows] == Code.present)
    in_room = partly & (draw.random(partly.shape) < chosen.separate_room)
    flags[rows] = np.where(in_room, Flag.separate_room, 0)
    return flags
