"""A dead letter handled again, by the service that could not take it, in the partition's own lane.

Invariants: a letter is applied at most once; position and epoch guard it as they guard a poll; what was
counted as dead is counted as what became of it, so that the equations of reconciliation still hold; a
letter that is still bad changes nothing but its own row. Nothing is sent to the topic again, so that no
other reader sees the record twice and no service needs the right to write where it reads.
"""

import logging
import time
from datetime import UTC, datetime
from typing import Any

from contracts.codes import Refusal
from contracts.operations import DeadLetterReplayed
from services.kit import metrics
from services.kit.batcher import Message
from services.kit.claims import Claim
from services.kit.decoding import Dead, decode
from services.kit.errors import error_name, is_transient
from services.kit.ids import derived_id
from services.kit.kernel import Kernel, carried_types
from services.kit.lanes import Effects, FromOutside, Lane, Outgoing, Transaction
from services.kit.letters import Letter, Letters, Place
from services.kit.outgoing import Numbering, messages, pack, partitions
from services.kit.positions import Advance, Position

log = logging.getLogger(__name__)
_AT_ONCE = 200
_FORGET_SECONDS = 3600.0


class StillBad(Exception):
    """The record was refused again."""

    def __init__(self, code: Refusal, path: str = "") -> None:
        super().__init__(code.value)
        self.code = code
        self.path = path


class Replays:
    """What one consumer handles again. ``again`` is called while no poll is under way."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._letters = Letters(kernel.consumer)
        self._forgotten_at = float("-inf")

    async def wanted(self) -> list[Place]:
        """Letters asked for, in partitions that this member owns and that have not stopped."""
        lanes = [lane for lane, claim in self._kernel.claims.items() if not claim.stopped]
        async with self._kernel.pool.acquire() as tx:
            if time.monotonic() - self._forgotten_at > _FORGET_SECONDS:
                await self._letters.forget(tx)
                self._forgotten_at = time.monotonic()
            return await self._letters.wanted(tx, lanes, _AT_ONCE)

    def _claim(self, place: Place) -> Claim | None:
        claim = self._kernel.claims.get((place.topic, place.partition))
        return None if claim is None or claim.stopped else claim

    async def again(self, place: Place) -> None:
        """Try one letter; whatever the record does, the partition goes on.

        Raises:
            asyncpg.PostgresError, asyncpg.InterfaceError, OSError: no database; the letter stays asked for.
        """
        await self._kernel.drain()
        claim = self._claim(place)
        if claim is None:
            return
        try:
            await self._decide(place, claim)
        except Exception:
            # perhaps it was committed and only the answer was lost: cache and outbox are as for a new owner
            self._kernel.release([(place.topic, place.partition)])
            raise

    async def _decide(self, place: Place, claim: Claim) -> None:
        try:
            await self._commit(place, claim)
        except StillBad as bad:
            await self._refused(place, claim, bad)
        except Exception as error:  # whatever a handler raises at a bad record, as in a poll
            if is_transient(error):
                raise
            log.warning(
                "replay failed", extra={"consumer": self._kernel.consumer, "error": error_name(error)}
            )
            await self._refused(place, claim, StillBad(Refusal.internal))

    async def _commit(self, place: Place, claim: Claim) -> None:
        kernel = self._kernel
        async with kernel.pool.acquire() as tx, tx.transaction():
            opened = await self._open(tx, place, claim)
            if opened is None:
                return
            row, letter = opened
            try:
                effects, edges = await self._handle(tx, letter, claim.cache)
            except Exception:
                claim.cache = kernel.handler.new_cache(place.partition)
                raise
            at = datetime.now(UTC)
            await self._letters.applied(tx, place, at)
            effects.emit(place.partition, self._told(place, at))
            out, ids = await self._finish(tx, row, place, effects, _outcomes(effects, place.partition), edges)
        for change in effects.after_commit:
            change()
        kernel.committed_at = datetime.now(UTC)
        kernel.publishing.start(out, ids)
        metrics.REPLAYED.labels(kernel.consumer, "applied").inc()

    async def _refused(self, place: Place, claim: Claim, bad: StillBad) -> None:
        kernel, effects = self._kernel, Effects()
        async with kernel.pool.acquire() as tx, tx.transaction():
            opened = await self._open(tx, place, claim)
            if opened is None:
                return
            at = datetime.now(UTC)
            await self._letters.still_bad(tx, place, at, bad.code, bad.path)
            effects.emit(place.partition, self._told(place, at, bad))
            out, ids = await self._finish(tx, opened[0], place, effects, {}, [])
        kernel.committed_at = datetime.now(UTC)
        kernel.publishing.start(out, ids)
        metrics.REPLAYED.labels(kernel.consumer, "still-bad").inc()

    async def _open(self, tx: Transaction, place: Place, claim: Claim) -> tuple[Position, Letter] | None:
        """Position and letter, both locked; None when the lane has another owner or the letter was dealt with."""
        lane = (place.topic, place.partition)
        row = (await self._kernel.positions.lock(tx, [lane])).get(lane)
        if row is None or (row.epoch, row.next_offset) != (claim.epoch, claim.next_offset):
            metrics.GUARD.labels(self._kernel.consumer, "fenced").inc()
            if self._kernel.claims.get(lane) is claim:
                self._kernel.release([lane])
            return None
        letter = await self._letters.open(tx, place)
        return None if letter is None else (row, letter)

    async def _handle(self, tx: Transaction, letter: Letter, cache: Any) -> tuple[Effects, list[str]]:
        """What the handler makes of it now. Raises StillBad."""
        handler, topic, part = self._kernel.handler, letter.topic, letter.partition
        found = decode(topic, part, [letter], carried_types(topic), handler.wants, 0)
        _must_not_be(found.dead)
        effects = Effects()
        if found.events:
            effects = await handler.handle([Lane(topic, part, partitions(topic), found.events, cache)], tx)
        if effects.dead:
            raise StillBad(effects.dead[0][2])
        return effects, [] if isinstance(handler, FromOutside) else found.edges

    def _told(self, place: Place, at: datetime, bad: StillBad | None = None) -> Outgoing:
        kernel = self._kernel
        code, path = (bad.code, bad.path) if bad else (None, "")
        body = DeadLetterReplayed(kernel.service, kernel.consumer, *place, at, code, path)
        name = derived_id("replayed", kernel.consumer, *map(str, place), at.isoformat())
        return Outgoing("dead-letters", body, name, recorded_at=at)

    async def _finish(
        self,
        tx: Transaction,
        row: Position,
        place: Place,
        effects: Effects,
        outcomes: dict[str, int],
        edges: list[str],
    ) -> tuple[list[Message], list[int]]:
        """The counters and the outbox; the position itself stands where it stood."""
        kernel = self._kernel
        numbering = Numbering(f"{kernel.consumer}|{place.topic}|{place.partition}", row.emitted)
        out = messages(kernel.service, effects.outgoing.get(place.partition, ()), numbering)
        step = Advance(
            topic=place.topic,
            partition=place.partition,
            next_offset=row.next_offset,
            received=0,
            applied=outcomes.get("applied", 0),
            stale=outcomes.get("stale", 0),
            dead=outcomes.get("dead", 0),
            waiting=outcomes.get("waiting", 0),
            erased=outcomes.get("erased", 0),
            emitted=numbering.counts,
            seen=_seen(row.seen, edges),
            outbox=pack(out),
        )
        acknowledged = await kernel.publishing.acknowledged()
        return out, await kernel.positions.finish(tx, acknowledged, [step])


def _must_not_be(dead: list[Dead]) -> None:
    for each in dead:
        raise StillBad(each.code, each.path)


def _outcomes(effects: Effects, part: int) -> dict[str, int]:
    """One less is dead, one more is what became of it."""
    found = {
        "stale": effects.stale[part],
        "waiting": effects.waiting[part],
        "erased": effects.erased[part],
        "dead": -1,
    }
    return {**found, "applied": -sum(found.values())}


def _seen(seen: dict[str, int], edges: list[str]) -> dict[str, int]:
    """An edge whose running number could not be read before; later ones of its lane stand."""
    for edge in edges:
        lane, _, number = edge.rpartition("#")
        if lane and number.isdecimal():
            seen[lane] = max(seen.get(lane, 0), int(number))
    return seen
