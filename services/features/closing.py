"""At the close of a school day: the lane's labels that have matured, and the counts that were still untold.

Every closed date sends both label events, empty or not. Vectors are computed again from the strips
as they stand at the close; a correction that comes later does not mature a label a second time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar, cast

from contracts.codes import LongAbsenceRule
from contracts.envelope import Event
from contracts.facts import SchoolDayClosed
from contracts.features import (
    SURVEY_FEATURES,
    CombinedLabelMatured,
    LabelMatured,
    LabelRow,
)
from services.features import store
from services.features.batch import Batch, batch
from services.features.cache import LaneState
from services.features.classes import class_name
from services.features.closings import Closings
from services.features.infirmary_events import told_matrix, visits_of
from services.features.labels import HORIZON_DAYS, Matured, matured
from services.features.loading import load_own_days, load_tallies, load_years, schools_of
from services.features.longabsence import NEVER
from services.features.matrix import attendance_matrix, rounded
from services.features.schoolyear import locate
from services.features.step import Share, Step
from services.features.surveys import survey_vector
from services.kit.ids import derived_id
from services.kit.lanes import Effects, Outgoing, Transaction

T = TypeVar("T")
TOPIC = "labels-matured"
_CHUNK = 2000
#: A row of the combined basis takes up to 0.8 kB, a record of the log up to 900.
_ROWS_PER_EVENT = 1000
_UNKNOWN = float("nan")


@dataclass(frozen=True, slots=True)
class _Row:
    """A matured row before it is told which basis it is for."""

    linkage_id: str
    school: str
    as_of: date
    label: bool
    crossed_on: date | None
    attendance: list[float]
    combined: list[float]

    def tell(self, values: list[float]) -> LabelRow:
        """The row with the values of one basis."""
        return LabelRow(
            self.linkage_id,
            self.school,
            self.as_of,
            self.label,
            cast("list[float | None]", values),
            self.crossed_on,
        )


async def note_untold(tx: Transaction, step: Step) -> None:
    """Counts up to a closed date that have changed since they were told are told now."""
    for share in step.shares:
        if share.closed is None:
            continue
        state, closed = share.state, _date(share.closed)
        state.closed_until = max(state.closed_until, closed)
        untold = {key for _, key in await store.untold_days(tx, [state.partition], closed)}
        untold |= {key for key in state.changed_own if key[1] <= closed}
        await load_own_days(tx, ((state, key) for key in untold))
        for key in untold:
            if not state.own_day(key).told:
                step.counted[state.partition, key] = share.closed


async def mature(tx: Transaction, step: Step, closings: Closings, kept: int) -> None:
    """Label events of every lane whose close is complete in this step; a lane keeps ``kept`` of the years loaded."""
    by_date: dict[date, list[Share]] = {}
    for share in step.shares:
        if share.closed is not None:
            by_date.setdefault(_date(share.closed), []).append(share)
    for closed, shares in by_date.items():
        rows: dict[int, list[_Row]] = {}
        for rule, states in _by_rule(shares, locate(closed)[0]).items():
            rows |= await _rows(tx, states, closed, rule, kept)
        for share in shares:
            _emit(step.effects, share, closings, rows.get(share.state.partition, []))


def _by_rule(shares: Sequence[Share], school_year: int) -> dict[LongAbsenceRule, list[LaneState]]:
    found: dict[LongAbsenceRule, list[LaneState]] = {}
    for share in shares:
        found.setdefault(share.state.rule_of(school_year).rule, []).append(share.state)
    return found


def _date(event: Event) -> date:
    body = event.body
    assert isinstance(body, SchoolDayClosed)
    return body.date


async def _rows(
    tx: Transaction, states: Sequence[LaneState], closed: date, rule: LongAbsenceRule, kept: int
) -> dict[int, list[_Row]]:
    school_year, index = locate(closed)
    by_lane = {state.partition: state for state in states}
    keys = {
        (lane, (who, school_year)) for lane, who in await store.children_of(tx, list(by_lane), school_year)
    }
    for lane, state in by_lane.items():
        keys |= {(lane, key) for key in state.changed_terms if key[1] == school_year}
    owned = [(by_lane[lane], key) for lane, key in sorted(keys) if not by_lane[lane].is_erased(key[0])]
    found: dict[int, list[_Row]] = {}
    for start in range(0, len(owned), _CHUNK):
        part = owned[start : start + _CHUNK]
        passing = [(state, key) for state, key in part if not state.has_year(key)]
        await load_years(tx, part)
        await load_tallies(tx, schools_of(part))
        starts = [state.placement(key).back(index, HORIZON_DAYS) for state, key in part]
        judged = batch(school_year, part, rule, starts, until=index)
        for row, told in _told(judged, matured(judged.years, index, rule)):
            found.setdefault(part[row][0].partition, []).append(told)
        for state, key in passing:
            if len(state.years) > kept:
                del state.years[key]
    return found


def _told(judged: Batch, known: Matured) -> Iterator[tuple[int, _Row]]:
    """Matured rows of a batch with the vectors as of their own day."""
    if not len(known.rows):
        return
    dates = judged.years.days.dates
    children, days = known.rows.child.tolist(), known.rows.day.tolist()
    attendance = rounded(attendance_matrix(judged.years, known.rows))
    beside = _beside(judged, known)
    for n, (row, index) in enumerate(zip(children, days, strict=True)):
        crossed = int(known.crossed[n])
        yield (
            row,
            _Row(
                linkage_id=judged.owned[row][1][0],
                school=class_name(judged.class_on(row, index)).school,
                as_of=dates[index],
                label=bool(known.label[n]),
                crossed_on=None if crossed == NEVER else dates[crossed],
                attendance=attendance[n],
                combined=attendance[n] + beside[n],
            ),
        )


def _beside(judged: Batch, known: Matured) -> list[list[float]]:
    """Infirmary and survey values as they had been told by each row's day; unknown before anything was."""
    visits = [visits_of(judged, row) for row in range(len(judged.owned))]
    infirmary = rounded(told_matrix(judged, visits, known.rows))
    dates = judged.years.days.dates
    found = []
    for n, (row, index) in enumerate(zip(known.rows.child.tolist(), known.rows.day.tolist(), strict=True)):
        state, key = judged.owned[row]
        rounds = state.child(key[0]).surveys
        answers = survey_vector(rounds, dates[index]) if rounds else [_UNKNOWN] * len(SURVEY_FEATURES)
        found.append([*infirmary[n], *answers])
    return found


def _emit(effects: Effects, share: Share, closings: Closings, rows: list[_Row]) -> None:
    state, cause = share.state, share.closed
    assert cause is not None
    closed = _date(cause)
    version = closings.known[state.partition, closed].version
    ordered = sorted(rows, key=lambda row: (row.linkage_id, row.as_of))
    place = (state.partition, state.partitions, closed)
    parts = in_parts(ordered, _ROWS_PER_EVENT)
    for part, some in enumerate(parts):
        bodies = (
            LabelMatured(*place, [row.tell(row.attendance) for row in some], version, part, len(parts)),
            CombinedLabelMatured(*place, [row.tell(row.combined) for row in some], version, part, len(parts)),
        )
        for body in bodies:
            name = derived_id(
                "matured", type(body).__name__, str(state.partition), closed.isoformat(), str(part)
            )
            effects.emit(state.partition, Outgoing(TOPIC, body, name, cause=cause))


def in_parts(rows: Sequence[T], size: int) -> list[Sequence[T]]:
    """Rows cut into parts of at most ``size``; one empty part where there is none."""
    return [rows[start : start + size] for start in range(0, max(len(rows), 1), size)]
