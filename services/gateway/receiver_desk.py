"""Making, listing and ending keys of other systems: for ``kizashi receivers``; each change with its audit row.

On a connection of the role ``gateway_page`` whose search path is the schema.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from contracts.codes import Item
from services.gateway.access import Action
from services.gateway.audit import Entry
from services.gateway.receiving import ReceiverKey, mint
from services.gateway.store import log, receivers
from services.kit.lanes import Transaction

#: A school year and the spring in which the next key is made.
DEFAULT_DAYS = 400


async def create_key(
    tx: Transaction,
    receiver: str,
    *,
    schools: Collection[str] | None = None,
    items: Collection[Item] = (),
    days: int = DEFAULT_DAYS,
) -> tuple[str, str]:
    """Make a key; its public id and its token, which is shown this once and kept nowhere.

    Args:
        schools: school codes whose deliveries it may fetch; None: all that the receiver is told of.
        items: of what it may read reasons beside attendance.
        days: how long it is valid.

    Raises:
        KeyRefused: name, items or days make no sense, or the receiver has two live keys.
    """
    now = datetime.now(UTC)
    key, token = mint(
        receiver,
        schools=None if schools is None else frozenset(schools),
        items=frozenset(items) | {Item.attendance},
        now=now,
        expires_at=now + timedelta(days=days),
    )
    async with tx.transaction():
        await receivers.add_key(tx, key)
        await _log(tx, "receiver-key-made", key.public_id, key.items)
    return key.public_id, token


async def revoke_key(tx: Transaction, public_id: str) -> bool:
    """End a key at once; false when there is no such live key."""
    async with tx.transaction():
        ended = await receivers.end_key(tx, public_id, datetime.now(UTC))
        await _log(tx, "receiver-key-ended" if ended else "refused", public_id if ended else "")
    return ended


async def list_keys(tx: Transaction) -> list[ReceiverKey]:
    """Every key ever made, by receiver, newest first; tokens are not in it."""
    return await receivers.list_keys(tx)


async def _log(tx: Transaction, outcome: str, public_id: str, items: Collection[Item] = ()) -> None:
    entry = Entry("", "", "", "command line", Action.administer, purpose="administration")
    entry.subject, entry.outcome = public_id, outcome
    entry.items.update(items)
    await log.add(tx, entry)
