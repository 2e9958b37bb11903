"""``infirmary-features-updated``: sent where a value changes, on a visit or when one leaves a window.

A value holds until the next one. An ordinary school day on which nothing changes sends nothing; a
late fact sends every day from the changed one on.
"""

from collections.abc import Iterator
from typing import cast

import numpy as np

from contracts.features import LOGIC, DayVector, InfirmaryFeaturesUpdated
from services.features.arrays import F32, Bool
from services.features.attendance_events import TOPIC, removed_days
from services.features.batch import Batch
from services.features.children import Visit
from services.features.infirmary import Visits, infirmary_evidence, infirmary_matrix
from services.features.matrix import rounded
from services.features.schoolyear import DAYS, locate
from services.features.step import Touch
from services.features.versions import bounded
from services.features.years import Rows
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing


def visits_of(batch: Batch, row: int) -> list[tuple[int, Visit]]:
    """A child's visits of the batch's school year with their day index, oldest first; withdrawn ones too.

    Those count nowhere, but what was told because of them has to be told anew.
    """
    located = ((locate(visit.date), visit) for visit in batch.children[row].visits)
    return [(index, visit) for (school_year, index), visit in located if school_year == batch.school_year]


def visit_arrays(visits: list[list[tuple[int, Visit]]]) -> Visits:
    """Standing visits row by row as arrays."""
    listed = [
        (row, index, visit.internal)
        for row, each in enumerate(visits)
        for index, visit in each
        if not visit.withdrawn
    ]
    return Visits(
        child=np.array([each[0] for each in listed], np.int64),
        day=np.array([each[1] for each in listed], np.int64),
        internal=np.array([each[2] for each in listed], bool),
    )


def told_matrix(batch: Batch, visits: list[list[tuple[int, Visit]]], rows: Rows) -> F32:
    """Vectors as of each row's day, float32 [rows, 4]; NaN, unknown, before the first standing visit."""
    standing = visit_arrays(visits)
    matrix = infirmary_matrix(batch.years.school, batch.years.days, standing, rows)
    first = np.full(len(visits), DAYS)
    np.minimum.at(first, standing.child, standing.day)
    matrix[rows.day < first[rows.child]] = np.nan
    return matrix


def infirmary_events(batch: Batch, touches: list[Touch]) -> Iterator[tuple[Touch, Outgoing]]:
    """One event per touched child whose infirmary values change; rows as in ``touches``."""
    if not any(child.visits for child in batch.children):
        return
    visits = [visits_of(batch, row) for row in range(len(touches))]
    if not any(visits):
        return
    days = _days(batch.told, visits)
    lost = removed_days(batch, touches)
    wanted = {
        row: _wanted(days[row], visits[row], touch, lost.get(row, []))
        for row, touch in enumerate(touches)
        if visits[row]
    }
    pairs = [(row, index) for row, (indices, before) in wanted.items() for index in (*before, *indices)]
    if not pairs:
        return
    rows = Rows(*np.array(pairs, np.int64).T)
    school = batch.years.school
    matrix = told_matrix(batch, visits, rows)
    at = 0
    for row, (indices, before) in wanted.items():
        end = at + len(before) + len(indices)
        part = matrix[at + len(before) : end]
        same = bool(before) and len(indices) == 1 and np.array_equal(matrix[at], part[0], equal_nan=True)
        at = end
        if indices and not (same and touches[row].visits_from == DAYS and row not in lost):
            yield touches[row], _outgoing(batch, row, touches[row], visits[row], indices, part, school[row])


def _days(told: Bool, visits: list[list[tuple[int, Visit]]]) -> Bool:
    """Days that have infirmary values: those with a vector, and days of visits; bool [n, 366]."""
    days = told.copy()
    for row, each in enumerate(visits):
        days[row, [index for index, _ in each]] = True
    return days


def _wanted(
    days: Bool, visits: list[tuple[int, Visit]], touch: Touch, lost: list[int]
) -> tuple[list[int], list[int]]:
    """Days to be sent, and the one before them to compare with.

    A day that lost its vector is sent too: the value that it held must not hold on.
    """
    first = min(visits[0][0], touch.visits_from)
    start = min(touch.start, touch.visits_from)
    indices = np.flatnonzero(days)
    later = indices[indices >= max(start, first)].tolist()
    before = indices[indices < start][-1:].tolist()
    return sorted({*later, *(index for index in lost if index >= first)}), before


def _outgoing(
    batch: Batch,
    row: int,
    touch: Touch,
    visits: list[tuple[int, Visit]],
    indices: list[int],
    matrix: F32,
    school: Bool,
) -> Outgoing:
    days = batch.years.days
    own = sum(visit.version for _, visit in visits)
    standing = [index for index, visit in visits if not visit.withdrawn]
    vectors = [
        DayVector(
            days.dates[index],
            bounded(version + own),
            cast("list[float | None]", values),
        )
        for index, version, values in zip(indices, batch.versions(row, indices), rounded(matrix), strict=True)
    ]
    version = bounded(batch.newest[row] + own)
    as_of = int(np.flatnonzero(batch.told[row]).max(initial=max(standing, default=0)))
    who = batch.owned[row][1][0]
    body = InfirmaryFeaturesUpdated(
        linkage_id=who,
        school_year=batch.school_year,
        logic=LOGIC,
        days=vectors,
        evidence=infirmary_evidence(days, np.flatnonzero(school).tolist(), standing, as_of),
        evidence_version=version,
    )
    name = derived_id("infirmary-features", who, str(batch.school_year), str(version))
    return Outgoing(TOPIC, body, name, key=who, subject=who, cause=touch.cause)
