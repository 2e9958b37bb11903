"""One poll's events and the children they touch, in; drafts to be saved and assessments to be sent, out. Pure.

Steps of infirmary and survey are taken up first, then all vectors are judged at once, then each event is put
in its place in the order of arrival: the end state depends on the facts alone. A step judges again only days
that this poll has not judged with it already.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import cast

from contracts.envelope import Event
from contracts.facts import PupilErased
from contracts.features import (
    LOGIC,
    AttendanceFeaturesUpdated,
    DayVector,
    InfirmaryFeaturesUpdated,
    SurveyFeaturesUpdated,
)
from contracts.risk import RiskAssessed
from services.scoring import assessment
from services.scoring.child import Added, ChildYear, Step
from services.scoring.days import Day, first_of_year, removed_day
from services.scoring.judging import Row, judge, rejudge
from services.scoring.layout import INFIRMARY, SURVEY
from services.scoring.shelf import Shelf

OtherItem = InfirmaryFeaturesUpdated | SurveyFeaturesUpdated
FeaturesUpdated = AttendanceFeaturesUpdated | OtherItem
Years = dict[int, ChildYear]
Arrived = tuple[int, Event]
_Steps = tuple[Sequence[Step], Sequence[Step]]


@dataclass(slots=True)
class Result:
    """``drafts`` replace the cached children after COMMIT; ``told`` is in the order of the events."""

    drafts: dict[tuple[str, int], ChildYear] = field(default_factory=dict)
    told: list[tuple[int, Event, RiskAssessed]] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)
    days_judged: int = 0


class Batch:
    """Works on drafts of the given children; the given ones stay as they are."""

    def __init__(self, children: dict[str, Years], shelf: Shelf) -> None:
        self._children = children
        self._shelf = shelf
        self._drafted: dict[str, set[int]] = {}
        self._judged: dict[tuple[str, int], set[int]] = {}
        self.result = Result()

    def apply(self, arrived: Sequence[Arrived]) -> Result:
        """Apply feature events (lane, event) in order."""
        first_changed = [self._take_steps(lane, cast(FeaturesUpdated, event.body)) for lane, event in arrived]
        judged = iter(self._judge([event for _, event in arrived]))
        for (lane, event), changed_from in zip(arrived, first_changed, strict=True):
            body = cast(FeaturesUpdated, event.body)
            if type(body) is AttendanceFeaturesUpdated:
                news = self._put_days(lane, body, [next(judged) for _ in body.days])
            else:
                news = self._rejudge(lane, cast(OtherItem, body), changed_from)
            if news:
                self._tell(lane, event, body)
            else:
                self.result.stale.append(lane)
        return self.result

    # --- finding ---

    def _draft(self, lane: int, body: FeaturesUpdated) -> ChildYear:
        key = (body.linkage_id, body.school_year)
        draft = self.result.drafts.get(key)
        if draft is None:
            known = self._children.get(body.linkage_id, {}).get(body.school_year)
            draft = known.draft() if known else self._begin(lane, body)
            draft.lane = lane
            self.result.drafts[key] = draft
            self._drafted.setdefault(body.linkage_id, set()).add(body.school_year)
        return draft

    def _begin(self, lane: int, body: FeaturesUpdated) -> ChildYear:
        """A child's new school year takes over what was told of the year before."""
        where = (
            (body.school, body.class_id, body.grade)
            if isinstance(body, AttendanceFeaturesUpdated)
            else ("", "", 1)
        )
        child = ChildYear(body.linkage_id, body.school_year, *where, lane)
        earlier = [year for year in self._years(body.linkage_id) if year < body.school_year]
        if earlier:
            before = self._year(body.linkage_id, max(earlier))
            child.emitted, child.told_at = before.emitted, before.told_at
            child.floor = before.version(combined=True)
        return child

    def _years(self, linkage_id: str) -> set[int]:
        return self._drafted.get(linkage_id, set()) | self._children.get(linkage_id, {}).keys()

    def _year(self, linkage_id: str, year: int) -> ChildYear:
        return self.result.drafts.get((linkage_id, year)) or self._children[linkage_id][year]

    # --- steps of other items ---

    def _take_steps(self, lane: int, told: FeaturesUpdated) -> int | None:
        """First date (ordinal) from which other values hold; None if the event brings no newer step."""
        if type(told) is AttendanceFeaturesUpdated:
            return None
        body = cast(OtherItem, told)
        draft = self._draft(lane, body)
        before = draft.infirmary if isinstance(body, InfirmaryFeaturesUpdated) else draft.survey
        added, changed = _with_steps(before, body)
        if isinstance(body, InfirmaryFeaturesUpdated):
            draft.infirmary = added
        else:
            draft.survey = added
        return changed

    def _rejudge(self, lane: int, body: OtherItem, changed_from: int | None) -> bool:
        draft = self._draft(lane, body)
        fresh_evidence = self._take_added_evidence(draft, body)
        if changed_from is None:
            return fresh_evidence
        judged = self._judged.get((body.linkage_id, body.school_year), ())
        days = [
            day
            for day in draft.days_from(max(changed_from - draft.first, 0))
            if day.version and day.day not in judged
        ]
        if not days:
            return True
        steps = self._steps(body.linkage_id, body.school_year)
        extra = [_extra(steps, draft.first + day.day) or [None] * len(INFIRMARY + SURVEY) for day in days]
        draft.replace(rejudge(days, extra, self._shelf))
        return True

    def _take_added_evidence(self, draft: ChildYear, body: OtherItem) -> bool:
        infirmary = isinstance(body, InfirmaryFeaturesUpdated)
        held = draft.infirmary if infirmary else draft.survey
        if body.evidence_version <= held.evidence_version:
            return False
        fresh = Added(body.evidence_version, held.steps, list(body.evidence))
        if infirmary:
            draft.infirmary = fresh
        else:
            draft.survey = fresh
        return True

    # --- attendance ---

    def _judge(self, events: Iterable[Event]) -> list[Day]:
        rows = []
        for event in events:
            body = event.body
            if type(body) is AttendanceFeaturesUpdated:
                rows += self._rows(body)
        self.result.days_judged += len(rows)
        return judge(rows, self._shelf)

    def _rows(self, body: AttendanceFeaturesUpdated) -> list[Row]:
        steps = self._steps(body.linkage_id, body.school_year)
        return [
            Row(body.school_year, body.evidence_version, vector, _extra(steps, vector.date.toordinal()))
            for vector in body.days
        ]

    def _steps(self, linkage_id: str, school_year: int) -> _Steps:
        """Infirmary steps of the school year; survey steps, and the last answers of an earlier year before them."""
        years = self._years(linkage_id)
        this = self._year(linkage_id, school_year) if school_year in years else None
        survey = this.survey.steps if this else []
        for year in sorted(years, reverse=True):
            if year < school_year and (steps := self._year(linkage_id, year).survey.steps):
                survey = [steps[-1], *survey]
                break
        return (this.infirmary.steps if this else [], survey)

    def _put_days(self, lane: int, body: AttendanceFeaturesUpdated, days: Sequence[Day]) -> bool:
        if body.logic != LOGIC:
            return False
        draft = self._draft(lane, body)
        gone = [removed_day(each.toordinal() - draft.first, body.evidence_version) for each in body.removed]
        newer = draft.put(*days, *gone)
        self._judged.setdefault((body.linkage_id, body.school_year), set()).update(newer)
        return self._take_evidence(draft, body) or bool(newer)

    def _take_evidence(self, draft: ChildYear, body: AttendanceFeaturesUpdated) -> bool:
        """Newer evidence (it tells of settled days only), and with it where the child belongs."""
        if body.evidence_version <= draft.evidence_version:
            return False
        draft.evidence_version, draft.evidence = body.evidence_version, list(body.evidence)
        draft.school, draft.class_id, draft.grade = body.school, body.class_id, body.grade
        return True

    # --- telling ---

    def _tell(self, lane: int, event: Event, body: FeaturesUpdated) -> None:
        if any(year > body.school_year for year in self._years(body.linkage_id)):
            return
        draft = self._draft(lane, body)
        for told in assessment.changes(draft):
            self.result.told.append((lane, event, told))


def years_touched(events: Iterable[Event]) -> dict[tuple[str, int], int]:
    """(child, school year) → first changed day of the year, for loading what must be there."""
    found: dict[tuple[str, int], int] = {}
    for event in events:
        if type(event.body) is PupilErased:
            continue
        body = cast(FeaturesUpdated, event.body)
        key = (body.linkage_id, body.school_year)
        earliest = _earliest(body)
        if earliest is not None:
            day = max(earliest.toordinal() - first_of_year(body.school_year), 0)
            found[key] = min(found.get(key, day), day)
        else:
            found.setdefault(key, 366)
    return found


def _earliest(body: FeaturesUpdated) -> date | None:
    dates = [vector.date for vector in body.days]
    if isinstance(body, AttendanceFeaturesUpdated):
        dates += body.removed
    return min(dates, default=None)


def _with_steps(before: Added, body: OtherItem) -> tuple[Added, int | None]:
    """Steps with the event's newer ones in their places, and the first date that changed."""
    steps = {step.on: step for step in before.steps}
    changed = [on for vector in body.days if (on := _newer(steps, vector)) is not None]
    if not changed:
        return before, None
    return Added(before.evidence_version, [steps[on] for on in sorted(steps)], before.evidence), min(changed)


def _newer(steps: dict[int, Step], vector: DayVector) -> int | None:
    on = vector.date.toordinal()
    known = steps.get(on)
    if known is not None and vector.version <= known.version:
        return None
    steps[on] = Step(on, vector.version, vector.values)
    return on


def _extra(steps: _Steps, on: int) -> list[float | None] | None:
    """Infirmary and survey values that hold on a date; None if neither is known."""
    infirmary, survey = _held(steps[0], on), _held(steps[1], on)
    if infirmary is None and survey is None:
        return None
    return [*(infirmary or [None] * len(INFIRMARY)), *(survey or [None] * len(SURVEY))]


def _held(steps: Sequence[Step], on: int) -> list[float | None] | None:
    for step in reversed(steps):
        if step.on <= on:
            return step.values
    return None
