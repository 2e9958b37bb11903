"""What every lane was told of: the rule of 長期欠席 and the feature logic that ran last. One row."""

from typing import NamedTuple

from contracts.codes import LongAbsenceRule
from services.kit.lanes import Transaction


class Declared(NamedTuple):
    """Rule and logic, and the version under which they were told; 0: they held from the start."""

    rule: LongAbsenceRule
    logic: int
    version: int


async def declared(tx: Transaction) -> Declared | None:
    """What was told last, None before the first start; who asks later waits until this transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('features.rule', 0))")
    row = await tx.fetchrow("SELECT rule, logic, version FROM rule_declared")
    return Declared(LongAbsenceRule(row["rule"]), row["logic"], row["version"]) if row else None


async def save_declared(tx: Transaction, new: Declared) -> None:
    """Put it in place of what was told before."""
    await tx.execute("DELETE FROM rule_declared")
    await tx.execute("INSERT INTO rule_declared (rule, logic, version) VALUES ($1, $2, $3)", *new)


async def heard(tx: Transaction, version: int, last_part: int) -> bool:
    """Whether lanes have heard the last piece of what was told under a version, and none is still before it."""
    query = "SELECT coalesce(bool_and(part = $2), false) FROM lane_rule WHERE version = $1"
    found: bool = await tx.fetchval(query, version, last_part)
    return found
