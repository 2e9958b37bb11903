"""Assessments, posts and a notify held in memory, for tests of the pure parts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from contracts.alerts import AlertEnded, AlertRaised, AlertRetracted
from contracts.codes import Band, Basis, Decider, Item, LongAbsence, Rule, StaffRole, SurveyKind
from contracts.features import InfirmaryEvidence, StreakEvidence, SurveyEvidence
from contracts.risk import Reason, RiskAssessed
from services.kit.ids import derived_id
from services.notify import alerts, lifecycle
from services.notify.alerts import Assessments
from services.notify.review import Review, Waiting, review
from services.notify.routing import Post
from services.notify.rows import Changes, Row, Rules, School, Status

SCHOOL = "B101210000018"
OTHER_SCHOOL = "C101210000027"
NOW = datetime(2025, 6, 11, 0, 2, tzinfo=UTC)
RULES = Rules(date(2025, 4, 1), "direct")
EPISODE = date(2025, 6, 9)
AS_OF = date(2025, 6, 11)


def child(number: int) -> str:
    """A linkage ID."""
    return derived_id("child", str(number))


def staff(name: str) -> str:
    """A staff ID."""
    return derived_id("staff", name)


def class_of(school: str = SCHOOL) -> str:
    """Class 2 of grade 5."""
    return f"{school}/2025/5/2"


def streak(as_of: date, absent: int = 3) -> Reason:
    """Absent for days in a row."""
    evidence = StreakEvidence([as_of], absent, 0, absent, None, None)
    return Reason(Item.attendance, [Rule.streak_3], evidence)


def infirmary(as_of: date) -> Reason:
    """Visits to the infirmary."""
    return Reason(Item.infirmary_count, [], InfirmaryEvidence(EPISODE, as_of, [as_of], 0))


def survey(as_of: date, kind: SurveyKind) -> Reason:
    """Fewer good answers than the time before."""
    return Reason(Item.survey, [], SurveyEvidence(kind, EPISODE, 7, 9, as_of, 3, 9))


def assessed(
    number: int = 1,
    band: int = 1,
    version: int = 10,
    basis: Basis = Basis.attendance,
    as_of: date = AS_OF,
    episode: date | None = EPISODE,
    school: str = SCHOOL,
    class_id: str = "",
    place: int = 0,
    absent: int = 3,
    reasons: list[Reason] | None = None,
) -> RiskAssessed:
    """What scoring says of a child."""
    return RiskAssessed(
        linkage_id=child(number),
        school=school,
        class_id=class_id or class_of(school),
        grade=5,
        basis=basis,
        band=Band(band),
        as_of=as_of,
        decided_by=Decider.rules,
        reasons=([streak(as_of, absent)] if reasons is None else reasons) if band else [],
        long_absence=LongAbsence.none,
        place=place,
        version=version,
        episode=episode if band else None,
    )


def farewell(number: int = 1, version: int = 20, basis: Basis = Basis.attendance) -> RiskAssessed:
    """To the school that a child has left."""
    return assessed(number, 0, version, basis, class_id=class_of(OTHER_SCHOOL))


def post(role: StaffRole, name: str = "", **changes: Any) -> Post:
    """A post of the school in the school year 2025."""
    place: dict[str, dict[str, Any]] = {"homeroom": {"class_id": class_of()}, "grade_head": {"grade": 5}}
    year = {"valid_from": date(2025, 4, 1), "valid_to": date(2026, 4, 1), "school": SCHOOL}
    return Post(
        staff_id=staff(name or role.value), role=role, **{**year, **place.get(role.value, {}), **changes}
    )


LADDER = [post(role) for role in (StaffRole.homeroom, StaffRole.grade_head)]
LADDER += [post(role) for role in (StaffRole.vice_principal, StaffRole.principal)]


def school(budget: int = 3, posts: Sequence[Post] = LADDER, name: str = SCHOOL) -> School:
    """A school of which nothing is known yet."""
    return School(name, budget, posts)


def step(at: School, *arrivals: RiskAssessed, rules: Rules = RULES) -> Changes:
    """One poll."""
    return lifecycle.step(at, arrivals, rules, NOW)


def name_of(
    number: int = 1, basis: Basis = Basis.attendance, episode: date = EPISODE, at: str = SCHOOL
) -> str:
    """The identity of a child's alert."""
    return alerts.alert_id(child(number), episode, basis, at)


def bodies(changes: Changes | Review) -> list[AlertRaised | AlertRetracted | AlertEnded]:
    """What is told."""
    return [told.body for told in changes.told]


@dataclass
class Memory:
    """A notify whose tables are in memory: loads, decides and saves as the subscriber does."""

    budget: int = 1
    rules: Rules = RULES
    children: dict[str, dict[str, Assessments]] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)
    taken: dict[str, dict[date, set[str]]] = field(default_factory=dict)
    told: list[AlertRaised | AlertRetracted | AlertEnded] = field(default_factory=list)
    interrupting: list[Row] = field(default_factory=list)

    def poll(self, arrivals: Iterable[RiskAssessed]) -> None:
        """Apply assessments of any schools as one poll."""
        by_school: dict[str, list[RiskAssessed]] = {}
        for arrival in arrivals:
            by_school.setdefault(arrival.school, []).append(arrival)
        for name, each in by_school.items():
            known = self.children.setdefault(name, {})
            rows = {key: row for key, row in self.rows.items() if row.school == name}
            taken = self.taken.setdefault(name, {})
            at = School(name, self.budget, self.posts, known, rows, taken)
            changes = lifecycle.step(at, each, self.rules, NOW)
            self.rows |= changes.rows
            self.told += bodies(changes)
            self.interrupting += changes.interrupting

    def fill(self, *posts: Post) -> None:
        """Fill posts, then look through what waits."""
        self.posts = [*self.posts, *posts]
        waiting = [
            Waiting(row, True, self.children[row.school][row.linkage_id])
            for row in self.rows.values()
            if row.status is Status.open
        ]
        found = review(waiting, self.posts, [], self.rules.policy, 2, NOW)
        self.rows |= {row.alert_id: row for row in found.rows}
        self.told += bodies(found)

    def copy(self) -> Memory:
        """As a backup: its own tables, and nothing of what was sent."""
        other = deepcopy(self)
        other.told, other.interrupting = [], []
        return other

    def standing(self) -> dict[str, tuple[str, str, date]]:
        """Alerts that stand: where, and what they say as of which day."""
        return {
            row.alert_id: (row.school, row.digest, row.as_of)
            for row in self.rows.values()
            if row.status is Status.open
        }
