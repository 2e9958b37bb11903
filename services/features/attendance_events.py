"""From a batch to ``attendance-features-updated``: the vectors that changed, and the facts behind the newest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import numpy as np

from contracts.features import LOGIC, AttendanceEvidence, AttendanceFeaturesUpdated, DayVector
from services.features.arrays import F32, I64, Bool
from services.features.batch import Batch
from services.features.classes import class_name
from services.features.evidence import attendance_evidence, worth_telling
from services.features.longabsence import standing
from services.features.matrix import attendance_matrix, rounded
from services.features.schoolyear import DAY_NUMBERS, DAYS
from services.features.step import Touch
from services.features.story import stories
from services.features.strips import version_at
from services.features.versions import bounded
from services.features.years import Rows
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing

TOPIC = "features-updated"


@dataclass(frozen=True, slots=True)
class Newest:
    """Per child of a batch: newest day with a vector, newest settled one (-1 none), int [n]."""

    told: I64
    settled: I64


def newest(batch: Batch) -> Newest:
    """The newest days of each child."""
    return Newest(_last(batch.told), _last(batch.settled))


def _last(days: Bool) -> I64:
    found: I64 = DAYS - 1 - days[:, ::-1].argmax(axis=1)
    return np.where(days.any(axis=1), found, -1)


def attendance_events(batch: Batch, touches: list[Touch]) -> Iterator[tuple[Touch, Outgoing]]:
    """One event per child whose vectors, removed days or end of enrolment changed; rows as in ``touches``."""
    last = newest(batch)
    child, day = np.divmod(np.flatnonzero(batch.told & _reached(batch, touches)), DAYS)
    changed = Rows(child, day)
    asked, place, extra = _newest_settled(last, changed)
    rows = Rows(np.concatenate([child, extra.child]), np.concatenate([day, extra.day]))
    matrix = attendance_matrix(batch.years, rows)
    worth = asked[worth_telling(matrix[place])].tolist()
    evidence = _evidence(batch, worth, last.settled) if worth else {}
    begins = np.searchsorted(child, np.arange(len(touches) + 1)).tolist()
    vectors = _vectors(batch, changed, matrix[: len(changed)], begins)
    removed = removed_days(batch, touches)
    newest_told, newest_settled = last.told.tolist(), last.settled.tolist()
    for row, touch in enumerate(touches):
        days, lost = vectors[begins[row] : begins[row + 1]], removed.get(row, [])
        if days or lost or (touch.always and newest_told[row] >= 0):
            known = newest_settled[row] if newest_settled[row] >= 0 else newest_told[row]
            as_of = known if known >= 0 else lost[-1]
            body = _body(batch, row, days, as_of, evidence.get(row, []), lost, bounded(batch.newest[row]))
            if body is not None:
                yield touch, _outgoing(touch, body)


def _reached(batch: Batch, touches: list[Touch]) -> Bool:
    """Days whose vectors may have changed, bool [n, 366]: all from a touch's start, and a window after each tally."""
    starts = np.array([touch.start for touch in touches], np.int16)
    found: Bool = starts[:, None] <= DAY_NUMBERS
    for row, touch in enumerate(touches):
        for index in touch.tallied:
            found[row, index : batch.window_end(row, index)] = True
    return found


def _newest_settled(last: Newest, changed: Rows) -> tuple[I64, I64, Rows]:
    """Children with a settled day, the row of that day's vector, and the rows to be added for that."""
    asked = np.flatnonzero(last.settled >= 0)
    keys, wanted = changed.child * DAYS + changed.day, asked * DAYS + last.settled[asked]
    place = np.searchsorted(keys, wanted)
    there = place < len(keys)
    there[there] = keys[place[there]] == wanted[there]
    missing = np.flatnonzero(~there)
    place[missing] = len(keys) + np.arange(len(missing))
    return asked, place, Rows(asked[missing], last.settled[asked[missing]])


def _vectors(batch: Batch, rows: Rows, matrix: F32, begins: list[int]) -> list[DayVector]:
    """The vectors of ``rows``, those of child n from ``begins[n]`` on."""
    dates = batch.years.days.dates
    settled = (~batch.years.unsettled[rows.child, rows.day]).tolist()
    crossed = (batch.crossed[rows.child] == rows.day).tolist()
    days = rows.day.tolist()
    versions = batch.versions_of(days, begins)
    return [
        DayVector(dates[index], bounded(version), values, sure, stand, over)
        for index, version, values, sure, stand, over in zip(
            days,
            versions,
            cast("list[list[float | None]]", rounded(matrix)),
            settled,
            standing(batch.years, batch.crossed, rows),
            crossed,
            strict=True,
        )
    ]


def _evidence(batch: Batch, rows: list[int], settled: I64) -> dict[int, list[AttendanceEvidence]]:
    """By row the facts of settled days up to each child's newest one."""
    years = batch.years
    until = settled[rows]
    width = int(until.max()) + 1
    status = np.where(years.unsettled[rows, :width], np.uint8(0), years.status[rows, :width])
    school = years.school[rows, :width] & (np.arange(width) <= until[:, None])
    beside = [(batch.held[row].before, partial(batch.others, row)) for row in rows]
    told = stories(years.days, status, years.flags[rows, :width], school, beside)
    return {row: attendance_evidence(each) for row, each in zip(rows, told, strict=True)}


def removed_days(batch: Batch, touches: list[Touch]) -> dict[int, list[int]]:
    """By row the days among those that changed which ever had a mark and have no vector now, oldest first."""
    marked = [(row, touch) for row, touch in enumerate(touches) if batch.held[row].weight]
    pairs = [(row, index) for row, touch in marked for index in touch.gone]
    if not pairs:
        return {}
    places = np.array(pairs)
    found: dict[int, list[int]] = {}
    for row, index in sorted(pairs[n] for n in np.flatnonzero(~batch.told[places[:, 0], places[:, 1]])):
        if version_at(batch.held[row].strip, index):
            found.setdefault(row, []).append(index)
    return found


def _body(
    batch: Batch,
    row: int,
    days: list[DayVector],
    as_of: int,
    evidence: list[AttendanceEvidence],
    removed: Sequence[int],
    version: int,
) -> AttendanceFeaturesUpdated | None:
    """The event of one child; None if no mark ever said to which class it belongs."""
    class_id = batch.class_on(row, as_of) or batch.held[row].last_class()
    if not class_id:
        return None
    dates = batch.years.days.dates
    name = class_name(class_id)
    return AttendanceFeaturesUpdated(
        linkage_id=batch.owned[row][1][0],
        school=name.school,
        class_id=class_id,
        grade=name.grade,
        school_year=batch.school_year,
        logic=LOGIC,
        days=days,
        as_of=dates[as_of],
        evidence=evidence,
        evidence_version=version,
        removed=tuple(dates[index] for index in removed),
        end=batch.placements[row].end,
    )


def _outgoing(touch: Touch, body: AttendanceFeaturesUpdated) -> Outgoing:
    who = body.linkage_id
    name = derived_id(f"attendance-features {who} {body.school_year} {body.evidence_version}")
    return Outgoing(TOPIC, body, name, key=who, subject=who, cause=touch.cause)
