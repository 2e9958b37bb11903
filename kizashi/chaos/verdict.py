"""What a run ended with, and every reason why that is not as it must be."""

from dataclasses import asdict, dataclass, field
from typing import Any


class Void(RuntimeError):
    """What a run is about did not happen: it proves nothing, of the kernel or of a mutant."""


@dataclass
class Verdict:
    """One run of one row. ``failures`` empty: it passed."""

    row: str
    seed: int
    mutant: str = ""
    kills: int = 0
    events: int = 0
    lost: int = 0
    doubled: int = 0
    disordered: int = 0
    zombie_commits: int = 0
    dead_letters: int = 0
    hash: str = ""
    hash_equal: bool = False
    recovery_seconds: float = 0.0
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    #: It ended by :class:`Void`.
    void: bool = False

    @property
    def passed(self) -> bool:
        """Whether everything held."""
        return not self.failures

    def demand(self, holds: bool, otherwise: str) -> None:
        """Note ``otherwise`` as a failure unless ``holds``."""
        if not holds:
            self.failures.append(otherwise)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "passed": self.passed}
