"""The ground truth, kept apart: the only module that writes latent types and states, and never to a source.

An oracle may read it to learn how much could be known at best; no service, no event and no CSV file carries it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulator.city import City
from simulator.registry_records import pupil_id


@dataclass(frozen=True)
class Truth:
    """One school year; rows are enrolments, days are school days.

    ``pupil_ids`` str [row] are the school office's numbers; ``dates`` datetime64[D] [day]; ``kind`` uint8 [row]
    (``episodes.Kind``); ``stage`` uint8 [row, day] (``courses.Stage``); ``propensity`` float16 [row, day] is the
    chance of staying away; ``status`` and ``flags`` uint8 [row, day] are what really happened; ``was_case`` bool
    [row] tells of 不登校 in the year before, ``is_case`` of this year.
    """

    year: int
    pupil_ids: NDArray[np.str_]
    school: NDArray[np.int64]
    grade: NDArray[np.int64]
    dates: NDArray[np.datetime64]
    kind: NDArray[np.uint8]
    stage: NDArray[np.uint8]
    propensity: NDArray[np.float16]
    status: NDArray[np.uint8]
    flags: NDArray[np.uint8]
    was_case: NDArray[np.bool_]
    is_case: NDArray[np.bool_]


def truth_of(city: City, year: int) -> Truth:
    """Everything hidden about one school year."""
    this = city.years[year]
    roster, days = this.roster, this.days
    return Truth(
        year,
        np.array([pupil_id(pupil) for pupil in roster.pupil.tolist()]),
        roster.school,
        roster.grade,
        np.array(this.calendar.days, dtype="datetime64[D]"),
        days.kind,
        days.stage,
        days.propensity.astype(np.float16),
        days.status,
        days.flags,
        this.was_case[roster.pupil],
        this.cases()[roster.pupil],
    )


def write_truth(truth: Truth, path: Path) -> None:
    """Write one school year's truth as a compressed ``.npz`` file."""
    arrays = {name: np.asarray(value) for name, value in vars(truth).items()}
    np.savez_compressed(path, allow_pickle=False, **arrays)


def read_truth(path: Path) -> Truth:
    """Read what :func:`write_truth` wrote.

    Raises:
        KeyError: the file lacks an array.
        OSError: the file cannot be read.
    """
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in Truth.__dataclass_fields__ if name != "year"}
        return Truth(int(stored["year"]), **arrays)
