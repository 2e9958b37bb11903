"""Alerts and the board 「わたしのお知らせ」."""

from dataclasses import dataclass
from datetime import date, datetime

from contracts.codes import AlertOutcome, Band, Basis, Decider, Retraction
from contracts.risk import Reason
from services.gateway.views.frame import AlertStatus, ChildLine


@dataclass(frozen=True, slots=True)
class AlertCard:
    """One alert with the reasons this reader may know, oldest fact last.

    ``may_respond``: the buttons for acknowledge and close are to be shown. ``acknowledged_by``: a name.
    ``for_me``: the viewer is one of its recipients. ``may_pass_on``: a head who was told first, before she did.
    """

    alert_id: str
    child: ChildLine
    level: Band
    basis: Basis
    status: AlertStatus
    held: bool
    raised_at: datetime
    as_of: date
    decided_by: Decider
    reasons: tuple[Reason, ...]
    may_respond: bool
    version: int
    for_me: bool = False
    may_pass_on: bool = False
    escalated: bool = False
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    outcome: AlertOutcome | None = None
    closed_at: datetime | None = None
    ended_at: datetime | None = None
    retracted_at: datetime | None = None
    retraction: Retraction | None = None


@dataclass(frozen=True, slots=True)
class StandingLine:
    """A child listed under 「継続して支援中」: long absence that began in an earlier month."""

    child: ChildLine
    year_absent: int
    month_absent: int
    last_present: date | None


@dataclass(frozen=True, slots=True)
class Board:
    """「わたしのお知らせ」. ``open``: new, seen and acknowledged; ``others``: 「ほかの変化」 (held by the budget);
    ``standing``: 「継続して支援中」; ``recent``: closed, ended or withdrawn in the last ten days.
    ``counts`` (for the board of education, who see no child) is empty for everybody else."""

    open: tuple[AlertCard, ...]
    others: tuple[AlertCard, ...]
    standing: tuple[StandingLine, ...]
    recent: tuple[AlertCard, ...]
    counts: tuple["SchoolCounts", ...]
    data_until: datetime | None


@dataclass(frozen=True, slots=True)
class SchoolCounts:
    """Counts of one school; None where a count below five would point at children. Schools are never ranked."""

    school: str
    school_name: str
    pupils: int
    open: int | None
    acknowledged: int | None
    closed: int | None
    standing: int | None
