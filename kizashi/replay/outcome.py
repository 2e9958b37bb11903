"""What a replay tells: how long it took, and in which state it ended."""

from collections.abc import Callable
from dataclasses import dataclass

from kizashi.replay.state import State

#: Told the number of records replayed since the last call.
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Outcome:
    """``making_seconds`` went into making the records beforehand; ``seconds`` into replaying them."""

    records: int
    registry_seconds: float
    making_seconds: float
    seconds: float
    state: State

    @property
    def per_second(self) -> float:
        """Records a second."""
        return self.records / self.seconds if self.seconds else 0.0
