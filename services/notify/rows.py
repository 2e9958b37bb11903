"""What is kept of an alert, and what one poll knows and changes. Plain data."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from contracts.alerts import AlertEnded, AlertRaised, AlertRetracted, Recipient
from contracts.codes import Basis
from contracts.risk import RiskAssessed
from services.notify.alerts import Assessments
from services.notify.routing import Post


class Status(StrEnum):
    """Whether the alert stands; if not, whether its days passed or its data changed."""

    open = "open"
    ended = "ended"
    retracted = "retracted"


class Row(Struct, frozen=True):
    """An alert at one school.

    ``placed_in``: first of the month whose place it took; None while the budget holds it.
    ``told_on``: the school day since which it waits to be seen. ``step``: how often it climbed, to whom in
    ``climbed``. ``life``: version of the withdrawal after which it was raised again, 0 before the first.
    ``digest``: of what a reader is told. ``version``: of the last event about it.
    """

    alert_id: str
    linkage_id: str
    basis: Basis
    school: str
    episode: date
    as_of: date
    status: Status
    recipients: list[Recipient]
    told_on: date
    raised_at: datetime
    digest: str
    version: int
    placed_in: date | None = None
    climbed: list[Recipient] = []
    step: int = 0
    life: int = 0

    @property
    def held(self) -> bool:
        """Beyond the budget: listed, interrupting nobody."""
        return self.placed_in is None

    @property
    def routed(self) -> bool:
        """Whether anybody holds a post that it is for."""
        return any(recipient.staff_id for recipient in self.recipients)

    @property
    def interrupts(self) -> bool:
        """Whether it stands before somebody's eyes now."""
        return self.status is Status.open and not self.held


@dataclass
class School:
    """What one poll knows of one school; worked on by the poll, then thrown away.

    ``children``: stored assessments of the children concerned. ``rows``: their alerts by id.
    ``taken``: children who interrupted, by month.
    """

    school: str
    budget: int
    posts: Sequence[Post]
    children: dict[str, Assessments] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    taken: dict[date, set[str]] = field(default_factory=dict)


class Told(NamedTuple):
    """An event to send, with the alert it is about."""

    row: Row
    body: AlertRaised | AlertRetracted | AlertEnded


@dataclass
class Changes:
    """What one poll changes at one school.

    ``fresh``: assessments to be stored. ``stale``: how many were older than what is known.
    ``interrupting``: alerts that interrupt since this poll. ``withdrawn``: those that did and were retracted.
    ``counts``: what happened, for the metric.
    """

    fresh: dict[tuple[str, Basis], RiskAssessed] = field(default_factory=dict)
    stale: int = 0
    rows: dict[str, Row] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    interrupting: list[Row] = field(default_factory=list)
    withdrawn: list[Row] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Rules:
    """The municipality's settings: nothing is raised for school days before ``alerts_from``."""

    alerts_from: date
    policy: str
