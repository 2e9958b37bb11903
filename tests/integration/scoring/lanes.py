"""Drives a handler over lanes as the kernel does: one transaction, caches changed only after COMMIT."""

from typing import Any

import asyncpg

from contracts.envelope import Event
from services.kit.lanes import AnyHandler, Effects, Lane


class Driver:
    """One member that owns all partitions of a topic."""

    def __init__(self, handler: AnyHandler, pool: asyncpg.Pool, topic: str, partitions: int = 12) -> None:
        self.handler, self.pool, self.topic, self.partitions = handler, pool, topic, partitions
        self.caches: dict[int, Any] = {n: handler.new_cache(n) for n in range(partitions)}

    async def poll(self, events: dict[int, list[Event]], commit: bool = True) -> Effects:
        """Apply one poll; without ``commit`` the transaction fails and the caches are dropped."""
        lanes = [
            Lane(self.topic, number, self.partitions, share, self.caches[number])
            for number, share in sorted(events.items())
        ]
        async with self.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            effects = await self.handler.handle(lanes, connection)
            if not commit:
                await transaction.rollback()
                self.restart()
                return effects
            await transaction.commit()
        for change in effects.after_commit:
            change()
        return effects

    def restart(self) -> None:
        """Another owner takes over: caches are empty."""
        self.caches = {n: self.handler.new_cache(n) for n in range(self.partitions)}


def told(effects: Effects) -> list[Any]:
    """Bodies of all outgoing events."""
    return [outgoing.body for lane in sorted(effects.outgoing) for outgoing in effects.outgoing[lane]]
