"""Identity's tables without the part of its ledger that a replay never reads again.

The whole registry is known before the first record: what is found stays found, so nothing is moved, merged or
said again, and no claim is looked up but those that wait and, of a visit, its older versions.
"""

from collections.abc import Sequence

from services.identity.ledger import Claim, Kind, Via
from services.identity.store_registry import RegistryStore


class Unkept(RegistryStore):
    """The tables inside one transaction."""

    async def save_claims(self, claims: Sequence[Claim]) -> None:
        """Keep what waits, and visits."""
        kept = [each for each in claims if each.via is Via.waiting or each.kind is Kind.visit]
        if kept:
            await super().save_claims(kept)
