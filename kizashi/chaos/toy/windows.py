"""First stage: marks of known children make windows; marks of unknown ones wait until the child is registered.

Convergent: last writer wins per child and day, the version is a function of the marks. Both sides lock
the child's reference row first, in sorted order: without it both can miss each other for ever.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.codes import Refusal
from contracts.envelope import Event
from contracts.versions import mark_version
from kizashi.chaos.toy import language
from kizashi.chaos.toy.language import WINDOW_DAYS, ChaosMarked, ChaosRegistered, ChaosWindowed
from kizashi.chaos.toy.tables import write_journal
from services.kit.ids import derived_id
from services.kit.lanes import Effects, Lane, Outgoing, Transaction

Mark = tuple[int, int]
"""Version and value."""

_LOCK = """
INSERT INTO reference (child) SELECT unnest($1::text[])
ON CONFLICT (child) DO UPDATE SET child = excluded.child
RETURNING child, linkage
"""

_STORE = """
INSERT INTO {table} (child, day, version, value)
SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::int[])
ON CONFLICT (child, day) DO UPDATE SET version = excluded.version, value = excluded.value
WHERE {table}.version < excluded.version
"""

_RELEASE = """
WITH freed AS (DELETE FROM waiting WHERE child = ANY($1::text[]) RETURNING *)
INSERT INTO mark SELECT * FROM freed
ON CONFLICT (child, day) DO UPDATE SET version = excluded.version, value = excluded.value
WHERE mark.version < excluded.version
"""

_TELL = """
INSERT INTO told (linkage, total, days, version)
SELECT * FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[])
ON CONFLICT (linkage) DO UPDATE
SET total = excluded.total, days = excluded.days, version = excluded.version
WHERE told.version IS DISTINCT FROM excluded.version
RETURNING linkage
"""


@dataclass(frozen=True)
class Window:
    """One child's window as told."""

    linkage: str
    total: int
    days: int
    version: int


def window_of(linkage: str, marks: dict[int, Mark]) -> Window:
    """The window up to the newest day of ``marks`` (day → version and value)."""
    newest = max(marks)
    recent = [value for day, (_, value) in marks.items() if day > newest - WINDOW_DAYS]
    return Window(linkage, sum(recent), len(marks), sum(version for version, _ in marks.values()))


class Windows:
    """The handler. ``claimed`` tells which epoch this member believes to hold, for the journal."""

    wants = frozenset({"chaos-marked", "chaos-registered"})

    def __init__(self, run: str, slow_seconds: float = 0.0) -> None:
        self.consumer = f"chaos-{run}.windows"
        self.topics = (language.records(run),)
        self.target = language.windows(run)
        self.slow_seconds = slow_seconds
        self.claimed: Callable[[str, int], int | None] = lambda *_: None
        self.mended: Path | None = None

    def new_cache(self, partition: int) -> None:
        """None: everything is in the tables."""

    async def handle(self, lanes: Sequence[Lane[None]], tx: Transaction) -> Effects:
        """Lock the children, park or store their marks, tell the windows that changed."""
        effects = Effects()
        if self.mended is not None and not self.mended.exists():
            lanes = [replace(lane, events=self._taken(lane, effects)) for lane in lanes]
        lane_of = {child_of(event): lane.partition for lane in lanes for event in lane.events}
        linked = await self.lock(tx, sorted(lane_of))
        await asyncio.sleep(self.slow_seconds)
        await self._register(tx, lanes, linked)
        await self._store(tx, lanes, linked, effects)
        known = {child: linkage for child, linkage in linked.items() if linkage is not None}
        for child, window in (await self._windows(tx, known)).items():
            effects.emit(lane_of[child], self._telling(window, _cause(lanes, child)))
        await self._note(tx, lanes)
        return effects

    def _taken(self, lane: Lane[None], effects: Effects) -> list[Event]:
        """Doubtful records become dead letters."""
        for event in lane.events:
            if doubtful(event.meta.id):
                effects.refuse(lane.partition, event, Refusal.internal)
        return [event for event in lane.events if not doubtful(event.meta.id)]

    async def lock(self, tx: Transaction, children: list[str]) -> dict[str, str | None]:
        """The children's reference rows, locked until COMMIT: child → linkage, None if not registered."""
        return {row["child"]: row["linkage"] for row in await tx.fetch(_LOCK, children)}

    async def _register(
        self, tx: Transaction, lanes: Sequence[Lane[None]], linked: dict[str, str | None]
    ) -> None:
        found = [event.body for lane in lanes for event in lane.events]
        fresh = {body.child: body.linkage for body in found if isinstance(body, ChaosRegistered)}
        if not fresh:
            return
        linked.update(fresh)
        await tx.execute(
            "UPDATE reference r SET linkage = f.linkage FROM unnest($1::text[], $2::text[]) AS f (child, linkage)"
            " WHERE r.child = f.child",
            list(fresh),
            list(fresh.values()),
        )
        await tx.execute(_RELEASE, list(fresh))

    async def _store(
        self,
        tx: Transaction,
        lanes: Sequence[Lane[None]],
        linked: dict[str, str | None],
        effects: Effects,
    ) -> None:
        best: dict[str, dict[tuple[str, int], Mark]] = {"mark": {}, "waiting": {}}
        for lane in lanes:
            for event in lane.events:
                body = event.body
                if isinstance(body, ChaosMarked):
                    table = "mark" if linked[body.child] is not None else "waiting"
                    effects.waiting[lane.partition] += table == "waiting"
                    key = (body.child, body.day)
                    best[table][key] = self.later(
                        best[table].get(key), (mark_version(event.meta), body.value)
                    )
        for table, marks in best.items():
            rows = [(child, day, version, value) for (child, day), (version, value) in marks.items()]
            if rows:
                await tx.execute(self.store_sql(table), *[list(column) for column in zip(*rows, strict=True)])

    def later(self, before: Mark | None, now: Mark) -> Mark:
        """Which of two marks of one day holds."""
        return now if before is None else max(before, now)

    def store_sql(self, table: str) -> str:
        """The statement that stores marks."""
        return _STORE.format(table=table)

    async def _windows(self, tx: Transaction, known: dict[str, str]) -> dict[str, Window]:
        """Windows that changed, by child."""
        strips: dict[str, dict[int, Mark]] = {}
        for row in await tx.fetch("SELECT * FROM mark WHERE child = ANY($1::text[])", list(known)):
            strips.setdefault(row["child"], {})[row["day"]] = (row["version"], row["value"])
        made = {child: window_of(known[child], strips[child]) for child in sorted(strips)}
        return await self.tell(tx, made)

    async def tell(self, tx: Transaction, made: dict[str, Window]) -> dict[str, Window]:
        """Store what is told; returns the windows that differ from what was told before."""
        rows = [(w.linkage, w.total, w.days, w.version) for w in made.values()]
        if not rows:
            return {}
        changed = await tx.fetch(_TELL, *[list(column) for column in zip(*rows, strict=True)])
        linkages = {row["linkage"] for row in changed}
        return {child: window for child, window in made.items() if window.linkage in linkages}

    def _telling(self, window: Window, cause: Event) -> Outgoing:
        body = ChaosWindowed(window.linkage, window.total, window.days, window.version)
        name = derived_id("window", window.linkage, str(window.version))
        return Outgoing(self.target, body, name, key=window.linkage, subject=window.linkage, cause=cause)

    async def _note(self, tx: Transaction, lanes: Sequence[Lane[None]]) -> None:
        await write_journal(
            tx,
            self.consumer,
            [
                (lane.topic, lane.partition, event.meta.id, self.claimed(lane.topic, lane.partition))
                for lane in lanes
                for event in lane.events
            ],
        )


def doubtful(event_id: str) -> bool:
    """Of about one in sixteen events a handler that is not mended cannot make anything."""
    return event_id[0] == "7"


def child_of(event: Event) -> str:
    """The child that a record is about."""
    body = event.body
    assert isinstance(body, ChaosMarked | ChaosRegistered)
    return body.child


def _cause(lanes: Sequence[Lane[None]], child: str) -> Event:
    return next(event for lane in lanes for event in reversed(lane.events) if child_of(event) == child)
