"""Which alerts exist: a pure function of one child's two assessments at one school, never of budget or arrival.

An alert is one child, one episode, one basis, at one school. The combined basis stands only where it says more
than attendance alone, so that nobody is told the same thing twice.
"""

from datetime import date
from enum import StrEnum

from msgspec import Struct

from contracts.codes import Band, Basis
from contracts.risk import RiskAssessed
from services.kit.ids import derived_id

Assessments = dict[Basis, RiskAssessed]


class Standing(Struct, frozen=True):
    """An alert that the child's days carry now."""

    alert_id: str
    assessment: RiskAssessed
    episode: date


class Gone(StrEnum):
    """Why an alert stands no longer."""

    ended = "ended"
    corrected = "corrected"
    moved = "moved"


def alert_id(linkage_id: str, episode: date, basis: Basis, school: str) -> str:
    """The identity of an alert. A child who moves is an alert of the new school, and none of the old one."""
    return derived_id("alert", linkage_id, episode.isoformat(), basis.value, school)


def standing(assessments: Assessments, alerts_from: date) -> dict[str, Standing]:
    """Alerts that exist, by id. Children already long absent raise nothing: their band is none."""
    attendance = _carried(assessments.get(Basis.attendance), alerts_from)
    combined = _carried(assessments.get(Basis.combined), alerts_from)
    if attendance and combined and combined.assessment.band <= attendance.assessment.band:
        combined = None
    return {each.alert_id: each for each in (attendance, combined) if each is not None}


def _carried(assessment: RiskAssessed | None, alerts_from: date) -> Standing | None:
    """No observable fact, no alert; and history being loaded raises none."""
    if assessment is None or assessment.episode is None or not assessment.reasons:
        return None
    if assessment.band is Band.none or assessment.as_of < alerts_from:
        return None
    name = alert_id(assessment.linkage_id, assessment.episode, assessment.basis, assessment.school)
    return Standing(name, assessment, assessment.episode)


def has_left(assessment: RiskAssessed) -> bool:
    """Whether this is the farewell to a school: the child's class is at another one."""
    return not assessment.class_id.startswith(f"{assessment.school}/")


def gone(episode: date, as_of: date, assessment: RiskAssessed) -> Gone:
    """Why an alert of ``episode`` that last stood on ``as_of`` is carried no longer.

    Later school days end an episode, and so does the attendance alert that comes to say as much; the same
    days telling another story is a correction.
    """
    if has_left(assessment):
        return Gone.moved
    if assessment.episode is None:
        return Gone.ended if assessment.as_of > as_of else Gone.corrected
    began_later = assessment.episode > as_of
    told_by_attendance = assessment.basis is Basis.combined and assessment.episode == episode
    return Gone.ended if began_later or told_by_attendance else Gone.corrected
