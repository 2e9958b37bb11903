"""The pupils of the city: born once, carried from year to year, with the traits that shape their attendance.

Row i of every array of :class:`Pupils` is pupil i for as long as the city exists.
"""

from dataclasses import dataclass, field, fields
from datetime import date

import numpy as np
from numpy.typing import NDArray

from simulator import names
from simulator.names import Person
from simulator.randomness import stream
from simulator.settings import Settings


@dataclass
class Pupils:
    """Everything about a pupil that outlives a school year."""

    people: list[Person] = field(default_factory=list)
    family: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    birth_ordinal: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    sex: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    household: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    vulnerability: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    proneness: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    reluctance: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    chronic: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def __len__(self) -> int:
        return len(self.people)

    def add(
        self, settings: Settings, year: int, part: str, grades: NDArray[np.int64], elders: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Add pupils of given grades; ``elders`` are pupils whose brothers or sisters they are, or -1.

        Returns the new pupils' indices.
        """
        draw = stream(settings.seed, f"pupils.{part}", year)
        count, first = len(grades), len(self)
        family = names.draw_families(draw, count)
        household = first + np.arange(count)
        has_elder = elders >= 0
        family[has_elder] = self.family[elders[has_elder]]
        household[has_elder] = self.household[elders[has_elder]]
        sex = (draw.random(count) >= settings.scale.boys).astype(np.int64)
        new = Pupils(
            names.draw_people(draw, settings.recording, family, sex),
            family,
            _birth_ordinals(draw, year, grades),
            sex,
            household,
            draw.standard_normal(count),
            draw.gamma(settings.illness.proneness_shape, 1 / settings.illness.proneness_shape, count),
            _some(draw, count, settings.illness.reluctant, settings.illness.reluctant_level),
            _some(draw, count, settings.illness.chronic, settings.illness.chronic_level),
        )
        self._append(new)
        return first + np.arange(count)

    def _append(self, other: "Pupils") -> None:
        self.people += other.people
        for column in fields(self)[1:]:
            joined = np.concatenate([getattr(self, column.name), getattr(other, column.name)])
            setattr(self, column.name, joined)


def _birth_ordinals(draw: np.random.Generator, year: int, grades: NDArray[np.int64]) -> NDArray[np.int64]:
    """Proleptic ordinals of birth dates: 小1 of year Y are born from 2 April Y-7 to 1 April Y-6."""
    first = {grade: date(year - 6 - grade, 4, 2).toordinal() for grade in np.unique(grades).tolist()}
    starts = np.array([first[grade] for grade in grades.tolist()], dtype=np.int64)
    return starts + draw.integers(0, 365, len(grades))


def _some(
    draw: np.random.Generator, count: int, share: float, level: tuple[float, float]
) -> NDArray[np.float64]:
    """A level for a share of people, 0 for the others."""
    chosen = draw.random(count) < share
    return np.where(chosen, draw.uniform(level[0], level[1], count), 0.0)
