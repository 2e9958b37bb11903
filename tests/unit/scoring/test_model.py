"""river's own estimator checks on our estimators, and the two ways of computing held equal."""

import copy
import pickle

import numpy as np
import pytest
from river import checks, datasets
from river.base import Estimator

from contracts.codes import Basis
from services.scoring.layout import ATTENDANCE, INFIRMARY, SURVEY, extra_slots, slots
from services.scoring.linear import slot_count
from services.scoring.model import (
    AdaGradLogistic,
    FixedBins,
    PairCrosses,
    classifier_of,
    make_pipeline,
    observation,
)
from tests.unit.scoring.builders import absent_days, matrix, values


def _bundled_data(model: Estimator, scale: int = 1) -> list[object]:
    """river's checks draw some of their data from packages this project does not carry; this set comes with river."""
    return [datasets.Phishing().take(100 * scale)]


@pytest.mark.parametrize(
    "estimator", [FixedBins(), PairCrosses(), AdaGradLogistic(), AdaGradLogistic(slots=700)]
)
def test_river_estimator_checks(estimator: Estimator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_yield_datasets", _bundled_data)
    ran = 0
    for check in checks.yield_checks(estimator):
        check(estimator.clone())
        ran += 1
    assert ran > 20


def _rows(count: int, seed: int = 1) -> np.ndarray:  # type: ignore[type-arg]
    draw = np.random.default_rng(seed)
    rows = [absent_days(int(n)) for n in draw.integers(0, 12, count)]
    found = matrix(*rows)
    found[draw.random(found.shape) < 0.05] = np.nan
    found[:, ATTENDANCE.index("year_absent")] = draw.integers(0, 29, count)
    found[:, ATTENDANCE.index("month_absent")] = draw.integers(0, 9, count)
    return found


def test_dictionary_and_slots_predict_alike() -> None:
    pipeline = make_pipeline(slot_count(Basis.attendance))
    classifier = classifier_of(pipeline)
    classifier.weights[:] = np.random.default_rng(3).normal(size=len(classifier.weights))
    rows = _rows(40)
    fast = 1 / (1 + np.exp(-classifier.log_odds_many(slots(rows))))
    for row, expected in zip(rows, fast, strict=True):
        found = pipeline.predict_proba_one(observation(ATTENDANCE, row))
        assert found[True] == pytest.approx(expected)


def test_dictionary_and_slots_learn_alike() -> None:
    one_by_one = make_pipeline(slot_count(Basis.attendance))
    at_once = AdaGradLogistic(slot_count(Basis.attendance), batch_rows=1)
    rows = _rows(40)
    labels = (np.arange(40) % 3 == 0).astype(float)
    for row, label in zip(rows, labels, strict=True):
        one_by_one.learn_one(observation(ATTENDANCE, row), bool(label))
    at_once.learn_many(slots(rows), labels)
    np.testing.assert_allclose(classifier_of(one_by_one).weights, at_once.weights, rtol=1e-12, atol=1e-15)


def test_combined_slots_carry_names_too() -> None:
    pipeline = make_pipeline(slot_count(Basis.combined))
    extra = [3.0, 4.0, 1.0, 5.0, 2.5, None, -0.6, 3.2, 1.0]
    bins = pipeline["FixedBins"].transform_one(dict(zip(INFIRMARY + SURVEY, extra, strict=True)))
    names = pipeline["PairCrosses"].transform_one(bins).keys() - {"bias"}
    classifier = classifier_of(pipeline)
    expected = {
        name for name, slot in classifier._slot_of.items() if slot in extra_slots(matrix(extra))[0].tolist()
    }
    assert names == expected


def test_same_rows_give_the_same_weights_bit_for_bit() -> None:
    rows, labels = slots(_rows(500)), (np.arange(500) % 7 == 0).astype(float)
    models = [AdaGradLogistic(slot_count(Basis.attendance)) for _ in range(2)]
    for model in models:
        model.learn_many(rows, labels)
    assert models[0].weights.tobytes() == models[1].weights.tobytes()
    assert models[0].squares.tobytes() == models[1].squares.tobytes()


def test_learning_goes_on_after_pickling() -> None:
    rows, labels = slots(_rows(100)), (np.arange(100) % 4 == 0).astype(float)
    model = AdaGradLogistic(slot_count(Basis.attendance))
    model.learn_many(rows[:40], labels[:40])
    restored = pickle.loads(pickle.dumps(model))
    model.learn_many(rows[40:], labels[40:])
    restored.learn_many(rows[40:], labels[40:])
    assert model.weights.tobytes() == restored.weights.tobytes()


def test_learning_changes_no_input() -> None:
    rows, labels = slots(_rows(30)), np.zeros(30)
    kept = copy.deepcopy((rows, labels))
    AdaGradLogistic(slot_count(Basis.attendance)).learn_many(rows, labels)
    np.testing.assert_array_equal(rows, kept[0])
    np.testing.assert_array_equal(labels, kept[1])


def test_it_learns_what_separates_the_rows() -> None:
    draw = np.random.default_rng(5)
    away = draw.random(4000) < 0.1
    rows = slots(matrix(*(absent_days(8) if gone else values() for gone in away)))
    model = AdaGradLogistic(slot_count(Basis.attendance))
    model.learn_many(rows, away.astype(float))
    chance = model.log_odds_many(slots(matrix(absent_days(8), values())))
    assert chance[0] > 2
    assert chance[1] < -4
