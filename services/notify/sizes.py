"""``class-day-counts`` → how many pupils a school has, for its budget."""

from collections.abc import Sequence

from contracts.facts import ClassDayCounted
from services.kit.lanes import Effects, Lane, Transaction
from services.notify.store import schools


class Sizes:
    """Subscriber ``notify.sizes``.

    A day fills during its morning, so a lane's share of a school is the greatest count of the newest school
    year: the budget does not shrink every night.
    """

    consumer = "notify.sizes"
    patience_seconds = 0.2
    topics = ("class-day-counts",)
    wants = frozenset({"class-day-counted"})

    def new_cache(self, partition: int) -> None:
        """Nothing is remembered between polls."""

    async def handle(self, lanes: Sequence[Lane[None]], tx: Transaction) -> Effects:
        """Keep the greatest count of the newest school year, by school and features lane."""
        found: dict[tuple[str, int], tuple[int, int]] = {}
        for lane in lanes:
            for event in lane.events:
                if isinstance(body := event.body, ClassDayCounted):
                    pupils = sum(tally.counted for tally in body.classes)
                    key, size = (body.school, body.lane), (_school_year(body), pupils)
                    found[key] = max(found.get(key, size), size)
        if found:
            await schools.save_sizes(tx, found)
        return Effects()


def _school_year(body: ClassDayCounted) -> int:
    return body.date.year if body.date.month >= 4 else body.date.year - 1
