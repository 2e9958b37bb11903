"""Unseen for two school days: the next person. School days are counted, not hours."""

from collections.abc import Sequence
from datetime import date


def unseen_school_days(raised_on: date, school_days: Sequence[date]) -> int:
    """School days of the school after the day on which the alert was raised."""
    return sum(day > raised_on for day in school_days)


def due(raised_on: date, step: int, school_days: Sequence[date], unseen_days: int) -> bool:
    """Whether step ``step`` + 1 is due: each step waits ``unseen_days`` school days more."""
    return unseen_school_days(raised_on, school_days) >= unseen_days * (step + 1)
