"""A broken way of handling dead letters again: see :mod:`kizashi.chaos.mutants`."""

from datetime import UTC, datetime

from services.kit.claims import Claim
from services.kit.letters import Place
from services.kit.replaying import Replays, _outcomes


class ReplayInTwo(Replays):
    """Commits what the record brings and closes the letter afterwards."""

    async def _commit(self, place: Place, claim: Claim) -> None:
        kernel = self._kernel
        async with kernel.pool.acquire() as tx, tx.transaction():
            opened = await self._open(tx, place, claim)
            if opened is None:
                return
            row, letter = opened
            effects, edges = await self._handle(tx, letter, claim.cache)
            out, ids = await self._finish(tx, row, place, effects, _outcomes(effects, place.partition), edges)
        kernel.publishing.start(out, ids)
        async with kernel.pool.acquire() as tx:
            await self._letters.applied(tx, place, datetime.now(UTC))
