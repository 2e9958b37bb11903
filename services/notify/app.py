"""Builds notify; the only place where its objects meet."""

from services.kit.app import Kit, Parts
from services.kit.lanes import AnyHandler
from services.notify.consumer import Responses, Risks, Schools, Sizes
from services.notify.settings import Settings
from services.notify.webhook import Sender

__all__ = ["Settings", "build"]


async def build(kit: Kit) -> Parts:
    """Four subscribers; the webhook only where one is configured."""
    settings = kit.settings
    assert isinstance(settings, Settings)
    handlers: list[AnyHandler] = [Risks(settings), Schools(settings), Sizes(), Responses()]
    return Parts(handlers=handlers, tasks=[Sender(kit, settings).run] if settings.webhook_url else [])
