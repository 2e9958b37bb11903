"""What a lane's cache keeps when there is more than it may hold: what was used last."""

from collections.abc import Mapping
from itertools import islice
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def remember(held: dict[K, V], new: Mapping[K, V], limit: int) -> None:
    """Put the newest entries at the end; beyond the limit the longest untouched go."""
    for key, value in new.items():
        held.pop(key, None)
        held[key] = value
    if len(held) > limit:
        for key in list(islice(held, len(held) - limit)):
            del held[key]
