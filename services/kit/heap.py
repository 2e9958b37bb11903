"""Memory that large polls have freed goes back to the system.

The C library keeps what lies freed between live objects, and after a backlog that is most of what a service
holds. ``malloc_trim`` returns whole pages; it takes some 50 ms for 400 MB, so it is asked only when there is gain.
"""

import ctypes
import os
from collections.abc import Callable
from pathlib import Path

#: Growth since the last time from which on it is worth the while.
_GROWN_BYTES = 32 * 1024 * 1024
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_STATM = Path("/proc/self/statm")


class Heap:
    """This process's memory."""

    def __init__(self) -> None:
        self._trim = _malloc_trim()
        self._after = resident_bytes()

    def give_back(self) -> None:
        """Return freed pages if the process has grown since the last time. Blocks; not for the event loop."""
        if self._trim is not None and resident_bytes() - self._after > _GROWN_BYTES:
            self._trim(0)
            self._after = resident_bytes()


def resident_bytes() -> int:
    """Resident memory of this process, 0 where the system does not tell."""
    try:
        return int(_STATM.read_text("ascii").split()[1]) * _PAGE_BYTES
    except OSError:
        return 0


def _malloc_trim() -> Callable[[int], int] | None:
    """The C library's function; None in one that has none."""
    found: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return found
