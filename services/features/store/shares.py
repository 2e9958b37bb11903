"""Bulk reads and writes of the tally: the newest share of each features lane."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from contracts.facts import ClassTally
from services.features.cache import DayKey
from services.features.store.writing import upsert
from services.kit.lanes import Transaction

_classes = msgspec.json.Decoder(list[ClassTally])


class Share(NamedTuple):
    """What one features lane counted at a school on a day."""

    classes: list[ClassTally]
    version: int


async def load_shares(tx: Transaction, keys: Sequence[DayKey]) -> dict[DayKey, dict[int, Share]]:
    """All lanes' shares of (school, date)."""
    query = """
        SELECT tally_share.* FROM unnest($1::text[], $2::date[]) AS wanted (school, date)
        JOIN tally_share USING (school, date)
    """
    found: dict[DayKey, dict[int, Share]] = {key: {} for key in keys}
    for row in await tx.fetch(query, [key[0] for key in keys], [key[1] for key in keys]):
        share = Share(_classes.decode(row["classes"]), row["version"])
        found[row["school"], row["date"]][row["lane"]] = share
    return found


_SHARE = [("school", "text"), ("date", "date"), ("lane", "int"), ("classes", "text"), ("version", "bigint")]


async def save_shares(tx: Transaction, shares: Iterable[tuple[str, date, int, Share]]) -> None:
    """Shares (school, date, lane, share)."""
    rows = [
        (school, day, lane, msgspec.json.encode(share.classes).decode(), share.version)
        for school, day, lane, share in shares
    ]
    await upsert(tx, "tally_share", _SHARE, "school, date, lane", rows)
