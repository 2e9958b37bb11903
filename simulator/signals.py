"""Weak signs: lateness, leaving early, visits to the infirmary; a little more of them around an onset."""

import numpy as np
from numpy.typing import NDArray

from contracts.codes import AttendanceCode as Code
from contracts.codes import AttendanceFlag as Flag
from simulator.calendar import SchoolCalendar
from simulator.courses import Stage
from simulator.illness import by_level
from simulator.randomness import stream
from simulator.rosters import Roster
from simulator.settings import Settings

_AROUND_ONSET = (Stage.precursor, Stage.ramp, Stage.slow, Stage.plateau, Stage.continuing, Stage.relapse)


def draw_signals(
    settings: Settings,
    roster: Roster,
    status: NDArray[np.uint8],
    stage: NDArray[np.uint8],
    calendar: SchoolCalendar,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Flags (late, left early) and infirmary visits of the days present, uint8 [row, day] each."""
    chosen = settings.signals
    draw = stream(settings.seed, "signals", roster.year)
    days = len(calendar.days)
    onset = np.isin(stage, _AROUND_ONSET)
    present = status == Code.present
    late_chance = by_level(chosen.late, roster.grade)[:, None] / days + chosen.onset_late * onset
    late = present & (draw.random(status.shape, dtype=np.float32) < late_chance)
    early = present & (
        draw.random(status.shape, dtype=np.float32) < chosen.early / days + chosen.onset_early * onset
    )
    expected = chosen.infirmary / days + chosen.onset_infirmary * onset
    visits = present & (draw.random(status.shape, dtype=np.float32) < expected)
    flags = np.where(late, Flag.late, 0) | np.where(early, Flag.left_early, 0)
    return flags.astype(np.uint8), visits.astype(np.uint8)
