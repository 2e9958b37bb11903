"""Processor time of processes and of all they started, in seconds since they began."""

from collections.abc import Mapping
from contextlib import suppress

import psutil


def family(pid: int) -> list[psutil.Process]:
    """A process and its living descendants; none if it has ended."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def seconds(pid: int) -> float:
    """Of a process, its living descendants, and those of its children that have ended."""
    total = 0.0
    for number, each in enumerate(family(pid)):
        with suppress(psutil.NoSuchProcess):
            spent = each.cpu_times()
            total += spent.user + spent.system
            total += spent.children_user + spent.children_system if number == 0 else 0.0
    return total


def all_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """The same for several, by name."""
    return {name: seconds(pid) for name, pid in pids.items()}


def micros(before: Mapping[str, float], after: Mapping[str, float], events: int) -> dict[str, float]:
    """Microseconds of processor time per event between two readings."""
    return {
        name: round((after[name] - before[name]) * 1e6 / events, 1)
        for name in after
        if name in before and events
    }
