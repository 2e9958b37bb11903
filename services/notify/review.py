"""Alerts that wait: a filled post gives them their person, school days without a look the next one. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from msgspec.structs import replace

from contracts.alerts import AlertEscalated
from services.notify import routing, telling
from services.notify.alerts import Assessments
from services.notify.escalation import climb
from services.notify.routing import Post
from services.notify.rows import Row, Told
from services.notify.versions import raised_version, state_version


@dataclass
class Review:
    """Rows to save and what to tell of them."""

    rows: list[Row] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    escalated: list[AlertEscalated] = field(default_factory=list)


@dataclass(frozen=True)
class Waiting:
    """An open alert that nobody holds the post for, or that nobody has looked at."""

    row: Row
    seen: bool
    assessments: Assessments


def review(
    waiting: Iterable[Waiting],
    posts: Sequence[Post],
    school_days: Sequence[date],
    policy: str,
    unseen_days: int,
    now: datetime,
) -> Review:
    """Look through one school's waiting alerts. ``school_days``: those since the oldest was told."""
    found = Review()
    for each in waiting:
        row = _find_somebody(each, posts, school_days, policy, found)
        if row.interrupts and not each.seen:
            assessment = each.assessments[row.basis]
            row, climbs = climb(row, assessment, posts, policy, school_days, unseen_days)
            found.escalated += [
                AlertEscalated(row.alert_id, row.linkage_id, row.school, c.step, c.recipients, now)
                for c in climbs
            ]
        if row is not each.row:
            found.rows.append(row)
    return found


def _find_somebody(
    waiting: Waiting, posts: Sequence[Post], school_days: Sequence[date], policy: str, found: Review
) -> Row:
    row, assessment = waiting.row, waiting.assessments[waiting.row.basis]
    if row.routed:
        return row
    today = max([row.as_of, *school_days])
    version = raised_version(state_version(row.basis, waiting.assessments), not row.held, routed=True)
    rerouted = replace(
        row, recipients=routing.route(posts, assessment, policy, today), told_on=today, version=version
    )
    if not rerouted.routed:
        return row
    found.told.append(telling.raised(rerouted, assessment))
    return rerouted
