"""The product's learner run over simulated years in day order: every score is by the model of the day before.

Nothing is known earlier than it would be live: a row's outcome matures forty of the city's school days later,
the rest of a school year never; threshold and lead are those that were published with the model of the day.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from contracts.codes import Basis
from evaluation.baselines import baseline_scores
from evaluation.cities import PupilYear
from evaluation.naming import HORIZON_DAYS, LEADS
from services.scoring.layout import slots
from services.scoring.learner import Rows, State, learn
from services.scoring.linear import Linear, unpack
from services.scoring.shelf import Shelf

MODEL = "model"


@dataclass(frozen=True)
class Outcome:
    """Scores of a school year, float32 [pupil, day] per way of naming, and the last model of that year."""

    year: PupilYear
    scores: dict[str, NDArray[np.float32]]
    model: Linear | None
    state: State


def run(years: Iterable[PupilYear]) -> list[Outcome]:
    """Score and learn the years one after another."""
    shelf, state = Shelf(), State()
    return [_run_year(year, shelf, state) for year in years]


def _run_year(year: PupilYear, shelf: Shelf, state: State) -> Outcome:
    shape = year.at_risk.shape
    scores: dict[str, NDArray[np.float32]] = {}
    open_days: deque[tuple[int, NDArray[np.int64], NDArray[np.float32]]] = deque()
    for day, pupils, values in year.vectors():
        found = baseline_scores(values, year.room[pupils])
        found[MODEL] = _model_scores(values, shelf.before(Basis.attendance, int(year.ordinals[day])))
        for name, score in found.items():
            scores.setdefault(name, np.full(shape, -np.inf, np.float32))[pupils, day] = score
        open_days.append((day, pupils, values))
        if len(open_days) > HORIZON_DAYS:
            rows = _rows(year, *open_days.popleft())
            _close(state, shelf, date.fromordinal(int(year.ordinals[day])), rows)
    return Outcome(year, scores, shelf.newest(Basis.attendance), state)


def _close(state: State, shelf: Shelf, closed_on: date, rows: Rows) -> None:
    shelf.put(unpack(learn(state, Basis.attendance, closed_on, rows, shelf)))


def _model_scores(values: NDArray[np.float32], model: Linear | None) -> NDArray[np.float32]:
    """Log-odds above the naming threshold; -inf below it or without a model."""
    if model is None or not len(values):
        return np.full(len(values), -np.inf, np.float32)
    margin = model.attendance_part(slots(values)) - np.float32(model.threshold)
    return np.where(margin >= 0, margin, -np.inf).astype(np.float32)


def _rows(year: PupilYear, day: int, pupils: NDArray[np.int64], values: NDArray[np.float32]) -> Rows:
    lead = year.crossed[pupils] - day
    known = (lead > 0) & (lead <= HORIZON_DAYS)
    crossed = np.where(known, year.ordinals[np.minimum(year.crossed[pupils], len(year.columns) - 1)], 0)
    names = [f"{pupil:032x}" for pupil in year.pupil[pupils].tolist()]
    order = np.argsort(year.pupil[pupils], kind="stable")
    return Rows(
        [names[n] for n in order.tolist()],
        [f"S{school:03d}" for school in year.school[pupils][order].tolist()],
        np.full(len(pupils), int(year.ordinals[day])),
        crossed[order],
        (known & (lead >= LEADS[0]))[order].astype(np.float64),
        values[order],
        slots(values[order]),
    )
