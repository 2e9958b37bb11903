"""Builds identity; the only place where its objects meet."""

from services.identity.consumer import RecordsHandler
from services.identity.minting import Minter
from services.identity.references import Index
from services.identity.settings import Settings
from services.identity.sweep import Sweep
from services.kit.app import Kit, Parts

__all__ = ["Settings", "build"]


async def build(kit: Kit) -> Parts:
    """Identity: one subscriber, no web, the waiting room's background tasks."""
    settings = kit.settings
    assert isinstance(settings, Settings)
    identity_key = kit.secret("identity-key")
    minter = Minter(kit.secret("mint-key"), identity_key)
    sweep = Sweep(kit.pool, kit.relay, minter)
    return Parts(
        handlers=[RecordsHandler(minter, Index(identity_key), settings.cached_children)],
        tasks=[
            lambda: sweep.count_for_ever(settings.waiting_count_seconds),
            lambda: sweep.sweep_for_ever(settings.sweep_seconds),
            lambda: sweep.expire_for_ever(settings.expire_seconds, settings.waiting_days),
        ],
    )
