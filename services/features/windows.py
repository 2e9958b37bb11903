"""Counts over the last N school days and over the year so far.

A day that is unknown, suspended, bereaved, authorised or closed takes its place among the school
days and stays out of every count of absences and out of the denominator.
"""

from services.features.arrays import F64, I64
from services.features.running import Running

Columns = dict[str, I64 | F64]
SHORT_DAYS = (5, 10, 20, 30, 60)


def window_columns(running: Running) -> Columns:
    """Absences, reasons and counted days in the last 5 to 60 school days."""
    last = {days: running.last(days) for days in SHORT_DAYS}
    columns: Columns = {f"absent_{days}": running.count("absent", last[days]) for days in SHORT_DAYS}
    columns["counted_20"] = running.count("counted", last[20])
    columns["counted_60"] = running.count("counted", last[60])
    columns["sick_20"] = running.count("sick", last[20])
    columns["other_20"] = running.count("other", last[20])
    columns["other_60"] = running.count("other", last[60])
    columns["left_early_20"] = running.count("left_early", last[20])
    columns["separate_room_20"] = running.count("separate_room", last[20])
    return columns


def year_columns(running: Running) -> Columns:
    """Absences and counted days since April, and how many school days have been."""
    return {
        "year_absent": running.count("absent", running.year),
        "year_counted": running.count("counted", running.year),
        "year_day": running.rank,
    }
