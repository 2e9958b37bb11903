"""The vectorised functions equal the slow reference, on drawn school years with every kind of gap."""

from __future__ import annotations

import random
from datetime import date

import numpy as np
import pytest

from contracts.codes import LongAbsenceRule
from contracts.features import ATTENDANCE_FEATURES
from services.features.labels import matured, until
from services.features.longabsence import NEVER, crossings
from services.features.matrix import attendance_matrix
from services.features.years import Rows, every_day
from tests.unit.features import reference
from tests.unit.features.drawing import arrays_of, draw_child

NAMES = [feature.name for feature in ATTENDANCE_FEATURES]


@pytest.mark.parametrize("seed", range(12))
def test_every_vector_of_drawn_years(seed: int) -> None:
    random_ = random.Random(seed)
    children = [draw_child(random_, 2023 + seed % 2) for _ in range(6)]
    years = arrays_of(children)
    rows = every_day(years)
    chosen = np.sort(np.random.default_rng(seed).choice(len(rows), min(150, len(rows)), replace=False))
    rows = Rows(rows.child[chosen], rows.day[chosen])
    matrix = attendance_matrix(years, rows)
    for row, (child, index) in enumerate(zip(rows.child.tolist(), rows.day.tolist(), strict=True)):
        expected = reference.vector(children[child], years.days.dates[index])
        got = dict(zip(NAMES, matrix[row].tolist(), strict=True))
        for name in NAMES:
            assert got[name] == pytest.approx(expected[name], abs=1e-4, nan_ok=True), (name, child, index)


@pytest.mark.parametrize("seed", range(6))
def test_one_day_of_many_children_equals_all_days(seed: int) -> None:
    random_ = random.Random(seed)
    years = arrays_of([draw_child(random_, 2024) for _ in range(20)])
    rows = every_day(years)
    whole = attendance_matrix(years, rows)
    for index in random_.sample(sorted(set(rows.day.tolist())), 8):
        at = np.flatnonzero(rows.day == index)
        alone = attendance_matrix(years, Rows(rows.child[at], rows.day[at]))
        np.testing.assert_array_equal(alone, whole[at])


@pytest.mark.parametrize("rule", list(LongAbsenceRule))
@pytest.mark.parametrize("seed", range(6))
def test_first_crossing(seed: int, rule: LongAbsenceRule) -> None:
    random_ = random.Random(seed)
    children = [draw_child(random_, 2024) for _ in range(15)]
    years = arrays_of(children)
    month = 10 if rule is LongAbsenceRule.toda_2021 else None
    for child, index in zip(children, crossings(years, rule).tolist(), strict=True):
        expected = reference.first_crossing(child, month, 30)
        assert (None if index == NEVER else years.days.dates[index]) == expected


@pytest.mark.parametrize("seed", range(8))
def test_labels_at_every_close(seed: int) -> None:
    random_ = random.Random(seed)
    children = [draw_child(random_, 2024) for _ in range(8)]
    dates = arrays_of(children).days.dates
    found_any = 0
    for index in [*random_.sample(range(50, len(dates)), 12), len(dates) - 1, *_last_days(children)]:
        years = arrays_of(children)
        until(years.status, index)
        known = matured(years, index, LongAbsenceRule.toda_2021)
        got: list[dict[date, bool]] = [{} for _ in children]
        for child, day, label in zip(
            known.rows.child.tolist(), known.rows.day.tolist(), known.label.tolist(), strict=True
        ):
            got[child][dates[day]] = label
        expected = [reference.labels(child, dates[index]) for child in children]
        assert got == expected
        found_any += sum(map(len, expected))
    assert found_any


def _last_days(children: list[reference.Child]) -> list[int]:
    planned = [max((d for d, open_ in child.plan.items() if open_), default=None) for child in children]
    return [(day - date(2024, 4, 1)).days for day in planned if day is not None]
