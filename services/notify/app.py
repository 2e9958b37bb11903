"""Builds notify; the only place where its objects meet."""

from services.kit.app import Kit, Parts
from services.kit.lanes import AnyHandler
from services.notify.responses import Responses
from services.notify.risks import Risks
from services.notify.schools import Schools
from services.notify.sender import Sender
from services.notify.settings import Settings
from services.notify.sizes import Sizes

__all__ = ["Settings", "build"]


async def build(kit: Kit) -> Parts:
    """Four subscribers; the webhook only where one is configured."""
    settings = kit.settings
    assert isinstance(settings, Settings)
    handlers: list[AnyHandler] = [Risks(settings), Schools(settings), Sizes(), Responses()]
    if not settings.webhook_url:
        return Parts(handlers=handlers)
    sender = Sender(kit.pool, kit.relay, kit.secret("webhook-key"), settings)
    return Parts(handlers=handlers, tasks=[sender.run])
