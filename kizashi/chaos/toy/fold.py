"""Second stage: the newest window of each child, the alert that stands on it, and a budget of interruptions.

State and standing alerts converge. Who gets one of the lane's places depends on the path; it is checked
by invariants instead: none lost, none given twice, none without an alert.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from contracts.envelope import Event
from kizashi.chaos.toy import language
from kizashi.chaos.toy.language import ChaosStood, ChaosWindowed
from kizashi.chaos.toy.tables import PLACES, write_journal
from services.kit.ids import derived_id
from services.kit.lanes import Effects, Lane, Outgoing, Transaction

THRESHOLD = 3
Cache = dict[str, int]
"""Linkage → version folded last."""

_FOLD = """
INSERT INTO fold (linkage, version, total, days)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::int[], $4::int[])
ON CONFLICT (linkage) DO UPDATE SET version = excluded.version, total = excluded.total, days = excluded.days
"""


class Fold:
    """The handler. ``claimed`` tells which epoch this member believes to hold, for the journal."""

    wants = frozenset({"chaos-windowed"})

    def __init__(self, run: str, slow_seconds: float = 0.0) -> None:
        self.consumer = f"chaos-{run}.fold"
        self.topics = (language.windows(run),)
        self.target = language.alerts(run)
        self.slow_seconds = slow_seconds
        self.claimed: Callable[[str, int], int | None] = lambda *_: None
        self.mended: Path | None = None

    def new_cache(self, partition: int) -> Cache:
        """Empty: filled from the table as children come by."""
        return {}

    async def handle(self, lanes: Sequence[Lane[Cache]], tx: Transaction) -> Effects:
        """Fold the newest window of each child; move alerts; hand out places."""
        effects = Effects()
        for lane in lanes:
            versions = await self._versions(tx, lane)
            fresh = self._fresh(lane, versions, effects)
            if fresh:
                await self._save(tx, fresh)
                await self._move_alerts(tx, lane, fresh, effects)
            effects.after_commit.append(self._remember(lane, versions, fresh))
        await asyncio.sleep(self.slow_seconds)
        await self._note(tx, lanes)
        return effects

    async def _versions(self, tx: Transaction, lane: Lane[Cache]) -> Cache:
        wanted = {_body(event).linkage for event in lane.events}
        unknown = [linkage for linkage in wanted if linkage not in lane.cache]
        rows = await tx.fetch("SELECT linkage, version FROM fold WHERE linkage = ANY($1::text[])", unknown)
        loaded = {row["linkage"]: row["version"] for row in rows}
        return {linkage: lane.cache.get(linkage, loaded.get(linkage, 0)) for linkage in wanted}

    def _fresh(
        self, lane: Lane[Cache], versions: Cache, effects: Effects
    ) -> dict[str, tuple[ChaosWindowed, Event]]:
        fresh: dict[str, tuple[ChaosWindowed, Event]] = {}
        for event in lane.events:
            body = _body(event)
            newest = fresh[body.linkage][0].version if body.linkage in fresh else versions[body.linkage]
            if body.version > newest:
                fresh[body.linkage] = (body, event)
            else:
                effects.stale[lane.partition] += 1
        return fresh

    async def _save(self, tx: Transaction, fresh: dict[str, tuple[ChaosWindowed, Event]]) -> None:
        rows = [(b.linkage, b.version, b.total, b.days) for b, _ in fresh.values()]
        await tx.execute(_FOLD, *[list(column) for column in zip(*rows, strict=True)])

    async def _move_alerts(
        self,
        tx: Transaction,
        lane: Lane[Cache],
        fresh: dict[str, tuple[ChaosWindowed, Event]],
        effects: Effects,
    ) -> None:
        rows = await tx.fetch("SELECT linkage FROM standing WHERE linkage = ANY($1::text[])", list(fresh))
        standing = {row["linkage"] for row in rows}
        for linkage, (body, event) in fresh.items():
            now = body.total >= THRESHOLD
            if now:
                await tx.execute(
                    "INSERT INTO standing VALUES ($1, $2) ON CONFLICT (linkage) DO UPDATE"
                    " SET version = excluded.version",
                    linkage,
                    body.version,
                )
            if now is (linkage in standing):
                continue
            if now:
                await self._take_place(tx, lane.partition, linkage)
            else:
                await tx.execute("DELETE FROM standing WHERE linkage = $1", linkage)
            await tx.execute(
                "INSERT INTO history (linkage, version, standing) VALUES ($1, $2, $3)",
                linkage,
                body.version,
                now,
            )
            effects.emit(lane.partition, self._told(ChaosStood(linkage, body.version, now), event))

    async def _take_place(self, tx: Transaction, partition: int, linkage: str) -> None:
        rows = await tx.fetch("SELECT linkage FROM place WHERE partition = $1", partition)
        if len(rows) < PLACES and linkage not in {row["linkage"] for row in rows}:
            await tx.execute("INSERT INTO place (partition, linkage) VALUES ($1, $2)", partition, linkage)

    def _told(self, body: ChaosStood, cause: Event) -> Outgoing:
        name = derived_id("stood", body.linkage, str(body.version), str(body.standing))
        return Outgoing(self.target, body, name, key=body.linkage, subject=body.linkage, cause=cause)

    def _remember(
        self, lane: Lane[Cache], versions: Cache, fresh: dict[str, tuple[ChaosWindowed, Event]]
    ) -> Callable[[], None]:
        now = {**versions, **{linkage: body.version for linkage, (body, _) in fresh.items()}}
        return lambda: lane.cache.update(now)

    async def _note(self, tx: Transaction, lanes: Sequence[Lane[Cache]]) -> None:
        await write_journal(
            tx,
            self.consumer,
            [
                (lane.topic, lane.partition, event.meta.id, self.claimed(lane.topic, lane.partition))
                for lane in lanes
                for event in lane.events
            ],
        )


def _body(event: Event) -> ChaosWindowed:
    body = event.body
    assert isinstance(body, ChaosWindowed)
    return body
