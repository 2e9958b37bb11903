"""A small simulated city, lived and learned through: the table is made of it, and nothing looks ahead."""

from dataclasses import replace
from functools import cache

import numpy as np

from contracts.codes import Basis
from evaluation.baselines import CLASS_AVERAGE, class_average
from evaluation.cities import PupilYear, pupil_years
from evaluation.naming import NEVER
from evaluation.online import MODEL, Outcome, run
from evaluation.report import as_json, lines, mean_lines, table
from services.scoring.layout import ATTENDANCE, INDEX
from simulator.city import build_city
from simulator.settings import Scale, Settings


@cache
def _years() -> tuple[PupilYear, ...]:
    scale = Scale(elementary_schools=1, junior_schools=1, pupils_per_school=(150, 150))
    return tuple(pupil_years(build_city(Settings(seed=5, scale=scale), [2023, 2024])))


@cache
def _outcomes() -> tuple[Outcome, ...]:
    return tuple(run(_years()))


def test_a_pupil_year_knows_its_school_days_and_crossings() -> None:
    year = _years()[1]
    assert 190 <= len(year.columns) <= 215
    assert year.at_risk.shape == (len(year.pupil), len(year.columns))
    crossers = np.flatnonzero(year.crossed < NEVER)
    assert len(crossers) > 0
    for pupil in crossers.tolist():
        assert not year.at_risk[pupil, year.crossed[pupil] :].any()
    known = np.isin(year.pupil, _years()[0].pupil)
    assert np.isfinite(year.years.last_year_absent[known]).mean() > 0.95
    assert np.isnan(year.years.last_year_absent[~known]).all()


def test_the_class_average_knows_nothing_of_the_child() -> None:
    values = np.zeros((5, len(ATTENDANCE)), np.float32)
    values[:, INDEX["year_counted"]] = [10, 10, 20, 0, 10]
    values[:, INDEX["year_absent"]] = [4, 0, 1, 0, 3]
    found = class_average(values, np.array([7, 7, 7, 2, 3]))
    np.testing.assert_allclose(found, [0.15, 0.15, 0.15, 0.0, 0.3], rtol=1e-6)
    assert CLASS_AVERAGE in {line.method for line in lines(_outcomes()[-1])}


def test_every_row_is_learned_once_its_outcome_is_known() -> None:
    first, second = _years()
    state = _outcomes()[-1].state
    complete = sum(int(year.at_risk[:, : len(year.columns) - 40].sum()) for year in (first, second))
    assert 0.97 * complete < state.labels <= complete


def test_the_first_forty_days_have_no_model() -> None:
    scores = _outcomes()[0].scores[MODEL]
    assert not np.isfinite(scores[:, :41]).any()


def test_scores_of_a_day_do_not_depend_on_later_days() -> None:
    """The same city cut short in the middle of its second year scores the days before alike."""
    first, second = _years()
    cut = 90
    shorter = replace(second, columns=second.columns[:cut])
    alone = run([first, shorter])[1]
    both = np.isfinite(alone.scores[MODEL])
    assert both.any()
    kept = _outcomes()[1].scores[MODEL][:, :cut]
    before_the_end = np.arange(cut) < cut
    np.testing.assert_array_equal(alone.scores[MODEL][:, before_the_end], kept[:, before_the_end])


def test_the_table_has_every_way_of_naming() -> None:
    found = lines(_outcomes()[1])
    text = table(mean_lines([found, found]))
    assert text.count("\n") == len(found) + 1
    assert {"model", "rule-band", "total", "streak-3"} <= {line.method for line in found}
    assert all(row["elementary"] for row in as_json(found))
    model = _outcomes()[1].model
    assert model is not None
    assert model.basis is Basis.attendance
