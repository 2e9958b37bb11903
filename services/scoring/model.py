"""The learning model as a river pipeline: fixed bins, crosses of pairs, AdaGrad logistic regression.

``learn_one``/``predict_proba_one`` follow river's interfaces with dictionaries; ``learn_many`` and
``log_odds_many`` are the same arithmetic on slot numbers in numpy (tests hold the two equal). Learning is
deterministic: the same rows in the same order give the same weights, bit for bit.

river itself takes a second to import, so this module is imported by the learner alone, after the join.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from river import base, compose

from services.scoring.layout import (
    BINS,
    DERIVED,
    MISSING,
    MONTH_LIMIT,
    PAIRS,
    YEAR_LIMIT,
    Slots,
    edges_of,
    slot_names,
)

Weights = NDArray[np.float64]
#: Share of rows that are followed by long absence is under one per cent: where learning starts.
PRIOR_LOG_ODDS = -5.5
LEARNING_RATE = 0.03
BATCH_ROWS = 20
_TINY = 1e-6


@cache
def _slots_by_name(count: int) -> dict[str, int]:
    return {name: position for position, name in enumerate(slot_names(count))}


class FixedBins(base.Transformer):
    """Number to bin number, per feature; missing (absent key, ``None``, NaN) has a bin of its own.

    Adds the derived ``need`` and ``year_need`` where both totals are there. Keeps no state.
    """

    def transform_one(self, x: Mapping[Any, Any]) -> dict[Any, int]:
        """Bins of one observation."""
        return {name: _bin_one(str(name), value) for name, value in _with_derived(x).items()}


class PairCrosses(base.Transformer):
    """Bins to one-hot names: ``feature=bin`` for each, ``a=i&b=j`` for each declared pair, and ``bias``."""

    def transform_one(self, x: Mapping[Any, Any]) -> dict[Any, float]:
        """One-hot names of one observation."""
        found = {f"{name}={value}": 1.0 for name, value in x.items()}
        found |= {f"{a}={x[a]}&{b}={x[b]}": 1.0 for a, b in PAIRS if a in x and b in x}
        found["bias"] = 1.0
        return found


class AdaGradLogistic(base.Classifier):
    """Logistic regression by AdaGrad in small batches, on named inputs or on slot numbers.

    Parameters
    ----------
    slots
        How many names of the layout are known beforehand; other names get slots as they appear.
    learning_rate
        Step size; each weight's steps shrink with the root of its summed squared gradients.
    batch_rows
        Rows per step in ``learn_many``. Small batches are worth more than clever features (simulated city).
    prior
        Log-odds before anything was learned (weight of ``bias``).
    """

    def __init__(
        self,
        slots: int = 0,
        learning_rate: float = LEARNING_RATE,
        batch_rows: int = BATCH_ROWS,
        prior: float = PRIOR_LOG_ODDS,
    ) -> None:
        self.slots = slots
        self.learning_rate = learning_rate
        self.batch_rows = batch_rows
        self.prior = prior
        self._slot_of = dict(_slots_by_name(slots))
        self.weights: Weights = np.zeros(len(self._slot_of))
        self.squares: Weights = np.full(len(self._slot_of), _TINY)
        if "bias" in self._slot_of:
            self.weights[self._slot_of["bias"]] = prior

    # --- river's interface ---

    def learn_one(self, x: dict[Any, Any], y: Any) -> None:
        """One step on one observation."""
        known = self._positions(x, grow=True)
        at = np.fromiter((position for position, _ in known), dtype=np.int64, count=len(known))
        inputs = np.array([value for _, value in known])
        error = _sigmoid(np.array([float(self.weights[at] @ inputs)]))[0] - float(bool(y))
        gradient = error * inputs
        self.squares[at] += gradient**2
        self.weights[at] -= self.learning_rate * gradient / np.sqrt(self.squares[at])

    def predict_proba_one(self, x: dict[Any, Any], **kwargs: Any) -> dict[Any, float]:
        """Probability of both outcomes."""
        known = sorted(self._positions(x, grow=False))
        total = sum(float(self.weights[position]) * value for position, value in known)
        chance = float(_sigmoid(np.array([total]))[0])
        return {False: 1.0 - chance, True: chance}

    # --- the same on slot numbers ---

    def learn_many(self, rows: Slots, labels: NDArray[np.float64]) -> None:
        """Steps of ``batch_rows`` rows in the given order; int32 [n, k] slots, float [n] labels 0 or 1."""
        for start in range(0, len(rows), self.batch_rows):
            part = slice(start, start + self.batch_rows)
            self._step(rows[part], labels[part])

    def log_odds_many(self, rows: Slots) -> NDArray[np.float64]:
        """Log-odds of rows; int32 [n, k] to float64 [n]."""
        return np.asarray(self.weights[rows].sum(axis=1))

    def _step(self, rows: Slots, labels: NDArray[np.float64]) -> None:
        error = _sigmoid(self.weights[rows].sum(axis=1)) - labels
        touched = rows.ravel()
        gradient = np.bincount(touched, np.repeat(error, rows.shape[1]), len(self.weights))
        self.squares += gradient * gradient
        self.weights[touched] -= self.learning_rate * gradient[touched] / np.sqrt(self.squares[touched])

    def _positions(self, x: Mapping[Any, Any], grow: bool) -> list[tuple[int, float]]:
        if grow:
            self._grow([str(name) for name in sorted(x, key=str) if str(name) not in self._slot_of])
        found = ((self._slot_of.get(str(name)), value) for name, value in x.items())
        return sorted((position, float(value)) for position, value in found if position is not None)

    def _grow(self, names: list[str]) -> None:
        for name in names:
            self._slot_of[name] = len(self._slot_of)
        self.weights = np.concatenate([self.weights, np.zeros(len(names))])
        self.squares = np.concatenate([self.squares, np.full(len(names), _TINY)])


def make_pipeline(slots: int) -> compose.Pipeline:
    """The whole model: ``FixedBins | PairCrosses | AdaGradLogistic``."""
    return compose.Pipeline(FixedBins(), PairCrosses(), AdaGradLogistic(slots))


def classifier_of(pipeline: compose.Pipeline) -> AdaGradLogistic:
    """The learning step of a pipeline."""
    found = pipeline["AdaGradLogistic"]
    assert isinstance(found, AdaGradLogistic)
    return found


def observation(names: tuple[str, ...], values: NDArray[np.float32]) -> dict[str, float]:
    """A vector as river's dictionary; missing values are left out by river's habit, so they stay NaN here."""
    return dict(zip(names, values.tolist(), strict=True))


def _with_derived(x: Mapping[Any, Any]) -> dict[Any, Any]:
    full = dict(x)
    if "year_absent" in x and "month_absent" in x:
        year_need = YEAR_LIMIT - x["year_absent"]
        full[DERIVED[0]] = min(MONTH_LIMIT - x["month_absent"], year_need)
        full[DERIVED[1]] = year_need
    return full


def _bin_one(name: str, value: Any) -> int:
    if value is None or value != value:
        return MISSING
    return min(
        int(np.searchsorted(np.array(edges_of(name), dtype=np.float32), np.float32(value), "right")), BINS - 2
    )


def _sigmoid(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(log_odds, -30.0, 30.0))))
