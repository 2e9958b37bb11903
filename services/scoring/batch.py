"""One poll's events and the children they touch, in; drafts to be saved and assessments to be sent, out. Pure.

Steps of infirmary and survey are taken up first, then all vectors are judged at once, then each event is put
in its place in the order of arrival: the end state depends on the facts alone. A step judges again only days
that this poll has not judged with it already.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from contracts.envelope import Event
from contracts.features import LOGIC, AttendanceFeaturesUpdated
from contracts.risk import RiskAssessed
from services.scoring import assessment
from services.scoring.child import ChildYear
from services.scoring.days import first_of_year, pack_day, removed_day
from services.scoring.items import (
    NOTHING_KNOWN,
    OtherItem,
    Years,
    steps_in,
    take_evidence,
    take_steps,
    values_on,
)
from services.scoring.judging import Rows, judge, rejudge
from services.scoring.shelf import Shelf

FeaturesUpdated = AttendanceFeaturesUpdated | OtherItem
Arrived = tuple[int, Event]
Key = tuple[str, int]


@dataclass(slots=True)
class Result:
    """``years`` are the children as they are now, ``drafts`` the school years among them that were worked on.

    Both replace what is cached after COMMIT. ``told`` is in the order of the events.
    """

    years: dict[str, Years] = field(default_factory=dict)
    drafts: dict[Key, ChildYear] = field(default_factory=dict)
    told: list[tuple[int, Event, RiskAssessed]] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)
    days_judged: int = 0


class Batch:
    """Works on drafts of the given children; the given ones stay as they are."""

    def __init__(self, children: dict[str, Years], shelf: Shelf) -> None:
        self._children = children
        self._shelf = shelf
        #: Days judged in this poll, by child and year of whom another item's event came too.
        self._judged: dict[Key, set[int]] = {}
        self.result = Result()

    def apply(self, arrived: Sequence[Arrived]) -> Result:
        """Apply feature events (lane, event) in order."""
        changed_from = {
            place: self._take_steps(lane, cast(OtherItem, event.body))
            for place, (lane, event) in enumerate(arrived)
            if type(event.body) is not AttendanceFeaturesUpdated
        }
        judged, done = self._judge(arrived), 0
        for place, (lane, event) in enumerate(arrived):
            body = event.body
            if type(body) is AttendanceFeaturesUpdated:
                begin, done = done, done + len(body.days)
                news = self._put_days(lane, body, judged[begin:done])
            else:
                news = self._rejudge(lane, cast(OtherItem, body), changed_from[place])
            if news is None:
                self.result.stale.append(lane)
            else:
                self._tell(lane, event, news)
        return self.result

    # --- finding ---

    def _years(self, linkage_id: str) -> Years:
        """The child's school years as they are now."""
        years = self.result.years.get(linkage_id)
        if years is None:
            years = self.result.years[linkage_id] = dict(self._children.get(linkage_id, ()))
        return years

    def _draft(self, lane: int, body: FeaturesUpdated) -> ChildYear:
        key = (body.linkage_id, body.school_year)
        draft = self.result.drafts.get(key)
        if draft is None:
            years = self._years(body.linkage_id)
            known = years.get(body.school_year)
            draft = known.draft() if known else _begin(years, lane, body)
            draft.lane = lane
            self.result.drafts[key] = years[body.school_year] = draft
        return draft

    # --- other items ---

    def _take_steps(self, lane: int, body: OtherItem) -> int | None:
        """First date (ordinal) from which other values hold; None if the event brings no newer step."""
        self._judged[body.linkage_id, body.school_year] = set()
        return take_steps(self._draft(lane, body), body)

    def _rejudge(self, lane: int, body: OtherItem, changed_from: int | None) -> ChildYear | None:
        """The child if the event brought anything new."""
        draft = self._draft(lane, body)
        fresh_evidence = take_evidence(draft, body)
        if changed_from is None:
            return draft if fresh_evidence else None
        judged = self._judged[body.linkage_id, body.school_year]
        later = draft.days_from(max(changed_from - draft.first, 0))
        days = [day for day in later if day.version and day.day not in judged]
        steps = steps_in(self._years(body.linkage_id), body.school_year)
        extra = [values_on(steps, draft.first + day.day) or NOTHING_KNOWN for day in days]
        draft.replace(map(pack_day, rejudge(days, extra, self._shelf)))
        return draft

    # --- attendance ---

    def _judge(self, arrived: Sequence[Arrived]) -> list[bytes]:
        rows = Rows()
        for _, event in arrived:
            body = event.body
            if type(body) is AttendanceFeaturesUpdated:
                self._take_rows(rows, body)
        self.result.days_judged += len(rows.vectors)
        return judge(rows, self._shelf)

    def _take_rows(self, rows: Rows, body: AttendanceFeaturesUpdated) -> None:
        years = self.result.years.get(body.linkage_id) or self._children.get(body.linkage_id)
        if years and any(steps := steps_in(years, body.school_year)):
            for place, vector in enumerate(body.days, len(rows.vectors)):
                values = values_on(steps, vector.date.toordinal())
                if values is not None:
                    rows.extra[place] = values
        rows.vectors += body.days
        rows.sizes.append(len(body.days))
        rows.firsts.append(first_of_year(body.school_year))
        rows.orders.append(body.evidence_version)

    def _put_days(self, lane: int, body: AttendanceFeaturesUpdated, records: list[bytes]) -> ChildYear | None:
        """The child if the event brought anything new."""
        if body.logic != LOGIC:
            return None
        draft = self._draft(lane, body)
        if body.removed:
            first, order = draft.first, body.evidence_version
            records += [removed_day(gone.toordinal() - first, order) for gone in body.removed]
        newer = draft.put(records)
        if self._judged and (judged := self._judged.get((body.linkage_id, body.school_year))) is not None:
            judged |= newer
        return draft if _take_evidence(draft, body) or newer else None

    # --- telling ---

    def _tell(self, lane: int, event: Event, draft: ChildYear) -> None:
        years = self.result.years[draft.linkage_id]
        if len(years) == 1 or max(years) == draft.school_year:
            for told in assessment.changes(draft):
                self.result.told.append((lane, event, told))


def _begin(years: Years, lane: int, body: FeaturesUpdated) -> ChildYear:
    """A child's new school year takes over what was told of the year before."""
    where = ("", "", 1)
    if isinstance(body, AttendanceFeaturesUpdated):
        where = (body.school, body.class_id, body.grade)
    child = ChildYear(body.linkage_id, body.school_year, *where, lane)
    earlier = [year for year in years if year < body.school_year]
    if earlier:
        before = years[max(earlier)]
        child.emitted, child.told_at = before.emitted, before.told_at
        child.floor = before.version(combined=True)
    return child


def _take_evidence(draft: ChildYear, body: AttendanceFeaturesUpdated) -> bool:
    """Newer evidence (it tells of settled days only), and with it where the child belongs."""
    if body.evidence_version <= draft.evidence_version:
        return False
    draft.evidence_version, draft.evidence = body.evidence_version, list(body.evidence)
    draft.school, draft.class_id, draft.grade = body.school, body.class_id, body.grade
    return True


def first_day(body: FeaturesUpdated) -> int | None:
    """First day of the school year that the event may change, for loading what must be there."""
    removed = body.removed if type(body) is AttendanceFeaturesUpdated else ()
    if len(body.days) == 1 and not removed:
        earliest = body.days[0].date
    elif body.days or removed:
        earliest = min([*(vector.date for vector in body.days), *removed])
    else:
        return None
    return max(earliest.toordinal() - first_of_year(body.school_year), 0)
