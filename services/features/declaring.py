"""At the start: whether the rule or the logic that runs now is the one that every lane was told of.

If not, it is said to all lanes under a newer version, so that whatever stands under the former one is told again.
"""

from datetime import UTC, datetime
from typing import Protocol

import asyncpg

from contracts.codes import LongAbsenceRule
from contracts.facts import LongAbsenceRuleSet
from contracts.features import LOGIC
from contracts.versions import EPOCH_SECONDS
from services.features import store
from services.features.retelling import outgoing
from services.features.rules import FIRST
from services.features.store import Declared
from services.kit.lanes import Outgoing, Transaction

#: Pieces into which the children of a city are told again.
PARTS = 64
#: What a database stands for that was there before anything was noted.
UNNOTED = Declared(FIRST.rule, 1, 0)
#: "All years" where a first school year is asked for.
_EVERY_YEAR = 2000


class Relay(Protocol):
    """What sends events of a transaction after its COMMIT."""

    async def enqueue(self, tx: Transaction, events: list[Outgoing]) -> None:
        """Store events."""
        ...


def declaration(
    held: Declared | None,
    running: tuple[LongAbsenceRule, int],
    newest_year: int | None,
    now: datetime,
    *,
    finished: bool = True,
) -> LongAbsenceRuleSet | None:
    """What is to be said to the lanes where ``running`` (rule, logic) begins, None if they need not hear anything.

    A first rule holds for all years. A later one holds from the newest school year on: what was told of earlier
    years was told under the rule of its time. A telling that is not ``finished`` is overtaken by this one, which
    then concerns everyone.
    """
    rule, logic = running
    if held is None and newest_year is None and rule is FIRST.rule:
        return None
    before = held or UNNOTED
    if (before.rule, before.logic) == running:
        return None
    first = held is None and rule is not FIRST.rule
    seconds = max(int(now.timestamp()) - EPOCH_SECONDS, 0)
    return LongAbsenceRuleSet(
        rule=rule,
        logic=logic,
        school_year=_EVERY_YEAR if first or newest_year is None else newest_year,
        part=0,
        parts=PARTS,
        everyone=before.logic != logic or not finished,
        version=max(seconds, before.version + 1),
    )


async def declare(pool: asyncpg.Pool, relay: Relay, rule: LongAbsenceRule, logic: int = LOGIC) -> bool:
    """Say it if need be, in one transaction; members that start together say it once. Tells whether it was said."""
    async with pool.acquire() as tx, tx.transaction():
        held = await store.declared(tx)
        newest_year = await store.newest_school_year(tx)
        finished = held is None or not held.version or await store.heard(tx, held.version, PARTS - 1)
        body = declaration(held, (rule, logic), newest_year, datetime.now(UTC), finished=finished)
        version = body.version if body else held.version if held else 0
        await store.save_declared(tx, Declared(rule, logic, version))
        if body is not None:
            await relay.enqueue(tx, [outgoing(body)])
        return body is not None
