"""What people answer to alerts, and notes: the change, its audit row and its event are one transaction."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from contracts.alerts import AlertAcknowledged, AlertClosed, AlertSeen
from contracts.codes import BASIS_ITEMS, AlertOutcome, Basis, Item
from services.gateway.access import Action
from services.gateway.doors import BadInput
from services.gateway.parts import Relay
from services.gateway.readers import cards, child
from services.gateway.store import pages, places, writing
from services.gateway.views import AlertCard, AlertStatus, ChildPage
from services.gateway.visit import Denied, Visit
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing

TOPIC = "alert-responses"
MAX_NOTE = 2000


async def _alert(visit: Visit, alert_id: str) -> Mapping[str, Any]:
    """The alert, if the viewer may answer it. Raises Denied: unknown, withdrawn, or not for this viewer."""
    row = await pages.alert(visit.tx, alert_id)
    if row is None or row["retracted"]:
        raise Denied("no-such-alert")
    found = await child.find(visit, row["linkage_id"], Item.attendance, Action.respond)
    for item in BASIS_ITEMS[Basis(row["basis"])]:
        visit.require(found.relations, item, Action.respond)
    return row  # type: ignore[no-any-return]


async def _answer(
    visit: Visit, relay: Relay, row: Mapping[str, Any], step: AlertStatus, outcome: AlertOutcome | None = None
) -> None:
    """Keep the answer, send it, wake the school's screens. The same answer twice is one."""
    alert_id, staff_id = row["alert_id"], visit.viewer.staff_id
    if not await writing.answer(visit.tx, alert_id, step, staff_id, row["linkage_id"], outcome):
        return
    body = _event(row, staff_id, step, outcome)
    name = derived_id("alert-response", alert_id, step, staff_id)
    await relay.enqueue(
        visit.tx,
        [Outgoing(TOPIC, body, name, row["school"], row["linkage_id"], recorded_at=datetime.now(UTC))],
    )
    await places.signal(visit.tx, [row["school"]])


def _event(
    row: Mapping[str, Any], staff_id: str, step: AlertStatus, outcome: AlertOutcome | None
) -> AlertSeen | AlertAcknowledged | AlertClosed:
    place = (row["alert_id"], row["linkage_id"], row["school"], staff_id)
    now = datetime.now(UTC)
    if outcome is not None:
        return AlertClosed(*place, outcome, now)
    return AlertAcknowledged(*place, now) if step is AlertStatus.acknowledged else AlertSeen(*place, now)


async def see(visit: Visit, relay: Relay, alert_id: str) -> None:
    """Somebody opened it. Raises Denied."""
    await _answer(visit, relay, await _alert(visit, alert_id), AlertStatus.seen)


async def acknowledge(visit: Visit, relay: Relay, alert_id: str) -> None:
    """Somebody takes it on. Raises Denied."""
    await _answer(visit, relay, await _alert(visit, alert_id), AlertStatus.acknowledged)


async def close(visit: Visit, relay: Relay, alert_id: str, outcome: AlertOutcome) -> None:
    """Somebody says what came of it; the first word stands. Raises Denied."""
    row = await _alert(visit, alert_id)
    answers = await pages.responses(visit.tx, alert_id)
    if not any(each["step"] == AlertStatus.closed for each in answers):
        await _answer(visit, relay, row, AlertStatus.closed, outcome)


async def pass_on(visit: Visit, relay: Relay, alert_id: str) -> None:
    """A head who was told first lets those who meet the child see it. Raises Denied: not hers to pass on."""
    row = await _alert(visit, alert_id)
    found = await child.find(visit, row["linkage_id"], Item.attendance, Action.respond)
    if not cards.may_pass_on(visit, found.relations):
        raise Denied("not-to-pass-on")
    await _answer(visit, relay, row, AlertStatus.seen)
    staff_id = visit.viewer.staff_id
    if await writing.answer(visit.tx, alert_id, cards.PASSED_ON, staff_id, row["linkage_id"], None):
        await places.signal(visit.tx, [row["school"]])


def _unseen(card: AlertCard) -> bool:
    return card.status is AlertStatus.new and card.may_respond and card.for_me and not card.held


async def see_all(visit: Visit, relay: Relay, page: ChildPage) -> None:
    """When a recipient opens a child's page, the alerts on it are seen."""
    for card in filter(_unseen, page.alerts):
        row = {"alert_id": card.alert_id, "linkage_id": card.child.linkage_id, "school": card.child.school}
        await _answer(visit, relay, row, AlertStatus.seen)


async def write_note(visit: Visit, linkage_id: str, item: Item, text: str) -> None:
    """A note under an item that the writer may read. Raises Denied, BadInput."""
    if not 1 <= len(text.strip()) <= MAX_NOTE:
        raise BadInput("text")
    await child.find(visit, linkage_id, item, Action.note)
    await writing.note(visit.tx, linkage_id, item, text.strip(), visit.viewer.staff_id)
