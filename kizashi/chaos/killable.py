"""A real service with a broken kernel: the process of ``kizashi run`` after the mutant's parts were put in place.

``python -m kizashi.chaos.killable MUTANT SERVICE`` is such a process.
"""

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from unittest.mock import patch

from kizashi import topology
from kizashi.chaos.mutants import MUTANTS
from kizashi.supervisor import Member, Supervisor
from services.kit import app


@dataclass
class Broken(Member):
    """A member that is such a process."""

    mutant: str = ""

    @property
    def words(self) -> list[str]:
        """Another program, otherwise as any member."""
        return [sys.executable, "-m", "kizashi.chaos.killable", self.mutant, self.service]


def prepare(supervisor: Supervisor, mutant: str) -> None:
    """One broken member of every service, not started yet."""
    for service in topology.SERVICES:
        made = supervisor.add(service)
        broken = Broken(service, made.ordinal, made.port, made.environment, made.log, mutant=mutant)
        supervisor.members[-1] = broken


def main(mutant: str, service: str) -> None:
    """Be the service."""
    chosen = MUTANTS[mutant]
    parts = ((app, "Kernel", chosen.kernel), (app, "Publishing", chosen.publishing))
    with ExitStack() as stack:
        for target, name, value in (*parts, *chosen.changes):
            found = import_module(target) if isinstance(target, str) else target
            stack.enter_context(patch.object(found, name, value))
        app.run(service)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
