"""One school's poll: from assessments and what is on record to changes and alert events. Pure.

Order within a poll: withdraw what no longer stands, then raise, then give the month's free places
to whoever needs them most.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import msgspec
from msgspec import Struct

from contracts.alerts import AlertRaised, AlertRetracted, Recipient
from contracts.codes import Basis, Retraction
from contracts.risk import RiskAssessed
from services.notify import alerts, budget, routing
from services.notify.alerts import Assessments, Standing
from services.notify.routing import Post


class Row(Struct):
    """An alert as stored."""

    alert_id: str
    linkage_id: str
    basis: Basis
    school: str
    episode: date
    as_of: date
    month: date
    raised_on: date
    raised_at: datetime
    held: bool
    status: str
    recipients: list[Recipient]
    digest: str
    step: int = 0
    seen: bool = False


@dataclass
class School:
    """What is known of one school before the poll."""

    school: str
    budget: int
    posts: Sequence[Post]
    rows: dict[str, Row] = field(default_factory=dict)


@dataclass
class Changes:
    """Rows to save and events to send, each with the child whose record caused it."""

    rows: dict[str, Row] = field(default_factory=dict)
    raised: list[AlertRaised] = field(default_factory=list)
    retracted: list[AlertRetracted] = field(default_factory=list)
    ended: int = 0
    without_recipient: int = 0


@dataclass(frozen=True)
class Rules:
    """The municipality's settings."""

    alerts_from: date
    policy: str


def step(school: School, children: Mapping[str, Assessments], rules: Rules, now: datetime) -> Changes:
    """Apply the new assessments of ``children`` (linkage id → both bases) of one school."""
    changes = Changes()
    stand: dict[str, Standing] = {}
    for linkage_id, assessments in sorted(children.items()):
        found = alerts.standing(assessments, rules.alerts_from)
        stand |= found
        _withdraw(school, linkage_id, assessments, found, changes, now)
    for name, standing in stand.items():
        _update(school, name, standing, rules, changes, now)
    _give_places(school, stand, changes)
    for name in sorted(set(stand) & set(changes.rows)):
        changes.raised.append(_event(stand[name].assessment, changes.rows[name]))
    return changes


def _withdraw(
    school: School,
    linkage_id: str,
    assessments: Assessments,
    found: Mapping[str, Standing],
    changes: Changes,
    now: datetime,
) -> None:
    for row in list(school.rows.values()):
        if row.linkage_id != linkage_id or row.status != "open" or row.alert_id in found:
            continue
        opened = alerts.Open(row.alert_id, row.basis, row.episode, row.as_of)
        why = alerts.gone(opened, assessments)
        row = msgspec.structs.replace(row, status="ended" if why is None else "retracted")
        _keep(school, changes, row)
        if why is None:
            changes.ended += 1
        else:
            changes.retracted.append(_retraction(row, assessments.get(row.basis), why, now))


def _retraction(row: Row, assessment: RiskAssessed | None, why: Retraction, now: datetime) -> AlertRetracted:
    version = version_of(assessment.version, held=False) if assessment else 2**62
    return AlertRetracted(row.alert_id, row.linkage_id, row.school, why, now, version)


def _update(
    school: School, name: str, standing: Standing, rules: Rules, changes: Changes, now: datetime
) -> None:
    assessment = standing.assessment
    digest = digest_of(assessment)
    old = school.rows.get(name)
    if old is not None and old.status == "open" and old.digest == digest:
        return
    recipients = old.recipients if old else routing.route(school.posts, assessment, rules.policy)
    if old is None and all(r.staff_id is None for r in recipients):
        changes.without_recipient += 1
    raised_again = old is None or old.status != "open"
    _keep(
        school,
        changes,
        Row(
            alert_id=name,
            linkage_id=assessment.linkage_id,
            basis=assessment.basis,
            school=assessment.school,
            episode=standing.episode,
            as_of=assessment.as_of,
            month=old.month if old else assessment.as_of.replace(day=1),
            raised_on=assessment.as_of if raised_again or old is None else old.raised_on,
            raised_at=now if raised_again or old is None else old.raised_at,
            held=old.held if old else True,
            status="open",
            recipients=recipients,
            digest=digest,
            step=old.step if old else 0,
            seen=old.seen if old else False,
        ),
    )


def _give_places(school: School, stand: Mapping[str, Standing], changes: Changes) -> None:
    """Free places of the month go to held alerts that changed in this poll, most urgent first."""
    by_month: dict[date, list[budget.Place]] = {}
    for name, standing in stand.items():
        row = school.rows[name]
        if row.held and name in changes.rows:
            seat = budget.Place(
                -int(standing.assessment.band), -standing.assessment.place, row.linkage_id, name
            )
            by_month.setdefault(standing.assessment.as_of.replace(day=1), []).append(seat)
    for month, candidates in by_month.items():
        taken = frozenset(r.linkage_id for r in school.rows.values() if not r.held and r.month == month)
        for name in sorted(budget.admitted(candidates, len(taken), school.budget, taken)):
            _keep(school, changes, msgspec.structs.replace(school.rows[name], held=False, month=month))


def _keep(school: School, changes: Changes, row: Row) -> None:
    school.rows[row.alert_id] = changes.rows[row.alert_id] = row


def digest_of(assessment: RiskAssessed) -> str:
    """What a reader would see change: level, decider and reasons."""
    shown = (int(assessment.band), assessment.decided_by, assessment.reasons)
    return hashlib.blake2b(msgspec.json.encode(shown), digest_size=12).hexdigest()


def version_of(version: int, held: bool) -> int:
    """An alert's version: the assessment's, and after being given a place greater than before it."""
    return version * 2 + (0 if held else 1)


def _event(assessment: RiskAssessed, row: Row) -> AlertRaised:
    return AlertRaised(
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
        version=version_of(assessment.version, row.held),
    )
