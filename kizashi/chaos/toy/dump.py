"""The canonical dump of the toy's convergent state: sorted lines, nothing that depends on the path.

Versions are left out: how they are made is what a mutant changes, what they decide is in the dump.
"""

import hashlib

import asyncpg

_LINES = (
    "SELECT format('link %s %s', child, linkage) FROM windows.reference ORDER BY child",
    "SELECT format('waiting %s %s %s', child, day, value) FROM windows.waiting ORDER BY child, day",
    "SELECT format('window %s %s %s', linkage, total, days) FROM windows.told ORDER BY linkage",
    "SELECT format('fold %s %s %s', linkage, total, days) FROM fold.fold ORDER BY linkage",
    "SELECT format('standing %s', linkage) FROM fold.standing ORDER BY linkage",
)


async def convergent(connection: asyncpg.Connection) -> str:
    """The dump as text."""
    lines: list[str] = []
    for sql in _LINES:
        lines += [row[0] for row in await connection.fetch(sql)]
    return "\n".join(lines)


def sha256(dump: str) -> str:
    """The dump's hash."""
    return hashlib.sha256(dump.encode()).hexdigest()
