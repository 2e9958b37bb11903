"""Which alerts exist: a pure function of one child's two assessments, never of the budget or of arrival.

An alert is one child, one episode, one basis. The combined basis stands only where it says more
than attendance alone, so that nobody is told the same thing twice.
"""

from datetime import date

from msgspec import Struct

from contracts.codes import Band, Basis, Retraction
from contracts.risk import RiskAssessed
from services.kit.ids import derived_id

Assessments = dict[Basis, RiskAssessed]


class Standing(Struct, frozen=True):
    """An alert that the child's days carry now."""

    alert_id: str
    assessment: RiskAssessed
    episode: date


def alert_id(linkage_id: str, episode: date, basis: Basis) -> str:
    """The identity of an alert."""
    return derived_id("alert", linkage_id, episode.isoformat(), basis.value)


def standing(assessments: Assessments, alerts_from: date) -> dict[str, Standing]:
    """Alerts that exist, by id. Children already long absent raise nothing: their band is none."""
    attendance = assessments.get(Basis.attendance)
    told = attendance.band if attendance and _raises(attendance, alerts_from) else Band.none
    found = {}
    for basis, assessment in assessments.items():
        if not _raises(assessment, alerts_from) or assessment.episode is None:
            continue
        if basis is Basis.combined and assessment.band <= told:
            continue
        name = alert_id(assessment.linkage_id, assessment.episode, basis)
        found[name] = Standing(name, assessment, assessment.episode)
    return found


def _raises(assessment: RiskAssessed, alerts_from: date) -> bool:
    return assessment.band > Band.none and bool(assessment.reasons) and assessment.as_of >= alerts_from


class Open(Struct, frozen=True):
    """An alert on record that has been neither retracted nor ended."""

    alert_id: str
    basis: Basis
    episode: date
    as_of: date


def gone(opened: Open, assessments: Assessments) -> Retraction | None:
    """Why an open alert no longer stands; None when its episode simply ended on a later day.

    A later school day without a reason ends an episode; the same days telling another story is a
    correction, and the alert must be withdrawn.
    """
    assessment = assessments.get(opened.basis)
    if assessment is None:
        return Retraction.erased
    ended = assessment.as_of > opened.as_of and assessment.band == Band.none
    return None if ended else Retraction.corrected
