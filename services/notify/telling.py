"""From what is kept of an alert to the events that tell it. Pure."""

import hashlib
from datetime import datetime

import msgspec

from contracts.alerts import AlertEnded, AlertRaised, AlertRetracted
from contracts.codes import Retraction
from contracts.risk import RiskAssessed
from services.notify.alerts import Gone
from services.notify.rows import Row, Told

_encode = msgspec.json.Encoder().encode


def digest_of(assessment: RiskAssessed) -> str:
    """Of what a reader is told: where, level, as-of day, decider and reasons."""
    where = (assessment.school, assessment.class_id, assessment.grade)
    what = (int(assessment.band), assessment.as_of, assessment.decided_by, assessment.reasons)
    return hashlib.blake2b(_encode((where, what)), digest_size=12).hexdigest()


def raised(row: Row, assessment: RiskAssessed) -> Told:
    """The alert as it stands now."""
    body = AlertRaised(
        alert_id=row.alert_id,
        linkage_id=row.linkage_id,
        school=row.school,
        class_id=assessment.class_id,
        grade=assessment.grade,
        basis=row.basis,
        episode=row.episode,
        level=assessment.band,
        as_of=assessment.as_of,
        decided_by=assessment.decided_by,
        reasons=assessment.reasons,
        recipients=row.recipients,
        held=row.held,
        raised_at=row.raised_at,
        version=row.version,
    )
    return Told(row, body)


def withdrawn(row: Row, why: Gone, assessment: RiskAssessed, now: datetime) -> Told:
    """That it stands no longer: its episode passed, or the data do not carry it."""
    if why is Gone.ended:
        return Told(
            row, AlertEnded(row.alert_id, row.linkage_id, row.school, assessment.as_of, now, row.version)
        )
    return retracted(row, Retraction(why.value), now)


def retracted(row: Row, why: Retraction, now: datetime) -> Told:
    """That it is withdrawn."""
    return Told(row, AlertRetracted(row.alert_id, row.linkage_id, row.school, why, now, row.version))
