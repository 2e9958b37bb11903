"""A published model as the lanes use it: packed weights, one gather and one sum per row; no learning here."""

import base64
import math
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from contracts.codes import Basis
from contracts.features import ModelPublished
from services.scoring.layout import ATTENDANCE_SLOTS, COMBINED_SLOTS, FORMAT, Slots


class UnknownFormat(ValueError):
    """Packed weights of another layout; the lane uses the rules instead."""


@dataclass(frozen=True, eq=False)
class Linear:
    """Weights as of the close of a day. ``threshold`` is the log-odds from which a child is named."""

    basis: Basis
    closed_on: date
    weights: NDArray[np.float32]
    threshold: float
    leads: bool
    positives: int

    def attendance_part(self, slots: Slots) -> NDArray[np.float32]:
        """Log-odds from attendance (and bias) alone; int32 [n, ROW_SLOTS] to float32 [n]."""
        return np.asarray(self.weights.take(slots).sum(axis=1, dtype=np.float64), dtype=np.float32)

    def extra_part(self, slots: Slots) -> NDArray[np.float32]:
        """What infirmary counts and surveys add to the log-odds; int32 [n, extra] to float32 [n]."""
        return np.asarray(self.weights.take(slots).sum(axis=1, dtype=np.float64), dtype=np.float32)


def slot_count(basis: Basis) -> int:
    """How many weights a model on this basis has."""
    return ATTENDANCE_SLOTS if basis is Basis.attendance else COMBINED_SLOTS


def pack(weights: NDArray[np.float64]) -> str:
    """Weights as base64 of little-endian float32."""
    return base64.b64encode(weights.astype("<f4").tobytes()).decode("ascii")


def unpack(body: ModelPublished) -> Linear:
    """A published model, ready to score.

    Raises:
        UnknownFormat: another format number, another length, or a basis that is none.
    """
    try:
        basis = Basis(body.basis)
        weights = np.frombuffer(base64.b64decode(body.weights, validate=True), dtype="<f4")
    except ValueError:
        raise UnknownFormat("basis or weights") from None
    if body.format != FORMAT or len(weights) != slot_count(basis):
        raise UnknownFormat(f"format {body.format}")
    return Linear(basis, body.closed_on, weights, log_odds(body.threshold), body.leads, body.positives)


def log_odds(probability: float) -> float:
    """Log-odds of a probability, kept away from 0 and 1."""
    bounded = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(bounded / (1 - bounded))


def probability(log_odds: float) -> float:
    """Probability of log-odds."""
    return 1 / (1 + math.exp(-min(max(log_odds, -30.0), 30.0)))
