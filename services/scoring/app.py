"""Builds scoring; the only place where its objects meet."""

from contracts.envelope import Event
from contracts.features import ModelPublished
from services.kit.app import Kit, Parts
from services.kit.lanes import AnyHandler
from services.scoring import metrics, store
from services.scoring.features_handler import FeaturesHandler
from services.scoring.learner_handler import LearnerHandler
from services.scoring.linear import UnknownFormat, unpack
from services.scoring.settings import Settings
from services.scoring.shelf import Shelf

__all__ = ["Settings", "build"]
#: Calendar days of models that are at hand for corrections of earlier days.
_SHELVED_DAYS = 500


async def build(kit: Kit) -> Parts:
    """Two subscribers and the broadcast reader of models."""
    settings = kit.settings
    assert isinstance(settings, Settings)
    shelf = Shelf()
    async with kit.pool.acquire() as connection:
        for body in await store.models(connection, _SHELVED_DAYS):
            shelve(shelf, body)

    async def on_model(event: Event) -> None:
        if isinstance(event.body, ModelPublished):
            shelve(shelf, event.body)

    handlers: list[AnyHandler] = [FeaturesHandler(settings, shelf), LearnerHandler(settings)]
    return Parts(handlers=handlers, tasks=[kit.broadcast("models", on_model)])


def shelve(shelf: Shelf, body: ModelPublished) -> None:
    """Put a published model on the shelf; one of another format is counted and left out."""
    try:
        shelf.put(unpack(body))
    except UnknownFormat:
        metrics.UNKNOWN_FORMAT.inc()
