"""What another system was told of: the alert as it is now, for whom its own records know by class and number.

No name and no linkage ID leaves: school, school year, grade, class and 出席番号 are how school systems know a child.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from contracts.codes import BASIS_ITEMS, Band, Basis, Decider, DeliveryNews, Item
from contracts.risk import Reason
from services.gateway.access import Action
from services.gateway.receiving import ReceiverKey
from services.gateway.store import receivers
from services.gateway.views import ReceivedAlert, ReceivedChild, ReceivedStatus
from services.gateway.visit import Denied, Visit

_reasons = msgspec.json.Decoder(list[Reason])
#: Answers about the teacher or the family are for those who care for the child, never for a system.
_AUDIENCES = (Item.attendance, Item.infirmary_count, Item.survey)


async def read(visit: Visit, key: ReceiverKey, delivery_id: str) -> ReceivedAlert:
    """The alert of a delivery. Raises Denied: unknown, another receiver's or school's, or beyond the key's items."""
    row = await receivers.delivery(visit.tx, delivery_id)
    if row is None or not key.reaches(row["receiver"], row["school"]):
        raise Denied("no-such-delivery")
    for item in BASIS_ITEMS[Basis(row["basis"])]:
        visit.require((), item, Action.receive)
    child = await _child(visit, row)
    told = child is not None and row["standing"]
    visit.entry.show([row["linkage_id"]], [Item.registry])
    return ReceivedAlert(
        delivery_id=row["delivery_id"],
        alert_id=row["alert_id"],
        news=DeliveryNews(row["news"]),
        queued_at=row["queued_at"],
        status=_status(row),
        child=child,
        level=Band(row["level"]) if told else None,
        as_of=row["as_of"] if told else None,
        decided_by=Decider(row["decided_by"]) if told else None,
        reasons=await _heard(visit, row["alert_id"]) if told else (),
    )


def _status(row: Mapping[str, Any]) -> ReceivedStatus:
    if row["standing"]:
        return ReceivedStatus.standing
    return ReceivedStatus.retracted if row["retracted"] else ReceivedStatus.ended


async def _child(visit: Visit, row: Mapping[str, Any]) -> ReceivedChild | None:
    """Where the child is today; a school that it has left is told nothing of it any more."""
    place = await receivers.place(visit.tx, row["linkage_id"], row["school"], visit.today)
    return ReceivedChild(**dict(place)) if place else None


async def _heard(visit: Visit, alert_id: str) -> tuple[Reason, ...]:
    """The reasons of the key's items, attendance first."""
    stored = {row["audience"]: row["reasons"] for row in await receivers.reasons(visit.tx, alert_id)}
    found: list[Reason] = []
    for audience in _AUDIENCES:
        if audience in stored and visit.may((), audience, Action.receive):
            visit.entry.show((), [audience])
            found += _reasons.decode(stored[audience])
    return tuple(found)
