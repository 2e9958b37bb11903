"""What a lane's cache keeps when there is more than it may hold: what was used last, while that is of use."""

from collections.abc import Mapping
from itertools import islice
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def remember(held: dict[K, V], new: Mapping[K, V], limit: int) -> bool:
    """Put the newest entries at the end; beyond the limit the longest untouched go. Whether any went."""
    for key, value in new.items():
        held.pop(key, None)
        held[key] = value
    if len(held) <= limit:
        return False
    for key in list(islice(held, len(held) - limit)):
        del held[key]
    return True


#: A round of a lane's children, in caches full: over so many it is judged whether keeping them was of use.
_ROUND = 3
_OF_NO_USE, _OF_USE = 0.1, 0.3


class Room:
    """How many children a lane's cache keeps, and whether it had to forget some in its last poll.

    In a city of a hundred times as many, each comes once a day and finds itself forgotten: then a quarter is kept,
    for those who come again within minutes. Where a cache holds a part of those who come, it keeps all that it may.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = most
        self.forgot = False
        self._came = self._met = 0
        self._full = False

    def remember(self, held: dict[K, V], new: Mapping[K, V], met: int = 0) -> None:
        """Put a poll's children at the end; beyond the limit the longest untouched go.

        ``met``: how many more were found here and stay as they are.
        """
        self._came += len(new) + met
        self._met += sum(map(held.__contains__, new)) + met
        self.forgot = remember(held, new, self.limit)
        self._full |= self.forgot
        if self._came > _ROUND * self.most:
            self._judge(self._met / self._came)

    def _judge(self, met: float) -> None:
        if self._full and met < _OF_NO_USE:
            self.limit = -(-self.most // 4)
        elif met > _OF_USE:
            self.limit = self.most
        self._came = self._met = 0
        self._full = False
