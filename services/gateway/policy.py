"""Who hears first is the installation's setting; the database keeps a copy, because its policies ask for it."""

import asyncpg

from services.gateway.access import Action
from services.gateway.audit import Entry
from services.gateway.store import log, people


async def keep(pool: asyncpg.Pool, routing: str) -> None:
    """Make the copy what the setting says; a change opens or closes children's alerts and is audited.

    ``pool``: of the role that feeds the read model.
    """
    async with pool.acquire() as tx, tx.transaction():
        if await people.set_routing(tx, routing):
            entry = Entry("", "", "", "start", Action.administer, purpose="administration")
            entry.outcome = f"policy-{routing.replace('_', '-')}"
            await log.add(tx, entry)
