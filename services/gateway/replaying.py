"""Operators ask for dead letters to be handled again: the wish, its audit row and its event are one transaction.

The wish goes to every service; the one that keeps the letters handles them. Nothing of a letter comes here.
"""

from contracts import catalogue
from contracts.codes import Item, Refusal
from contracts.operations import DeadLetterReplayAsked
from services.gateway.access import Action
from services.gateway.doors import BadInput
from services.gateway.parts import Relay
from services.gateway.store import counts
from services.gateway.visit import Visit
from services.kit.ids import derived_id
from services.kit.lanes import Outgoing

TOPIC = "operator-requests"
PURPOSE = "dead-letter-replay"
#: Who keeps what could not be applied; refusals at ingest's HTTP door went back to their sender instead.
KEEPERS = frozenset(
    consumer for topic in catalogue.templates() for consumer in topic.consumers if "." in consumer
)


async def ask(visit: Visit, relay: Relay, consumer: str, code: Refusal) -> None:
    """For all of a consumer's letters of one code that stand now. Raises Denied, BadInput: there are none."""
    visit.require((), Item.operations, Action.operate)
    visit.entry.purpose = PURPOSE
    visit.entry.subject = f"{consumer} {code}"
    standing = await counts.standing_letters(visit.tx, KEEPERS)
    line = next((each for each in standing if (each.consumer, each.code) == (consumer, code)), None)
    if line is None:
        raise BadInput("consumer")
    # The database's clock: services compare it with when they stored and tried their letters.
    asked_at = await visit.tx.fetchval("SELECT clock_timestamp()")
    body = DeadLetterReplayAsked(line.service, consumer, code, asked_at)
    name = derived_id("replay-asked", consumer, code, asked_at.isoformat())
    await relay.enqueue(visit.tx, [Outgoing(TOPIC, body, name, recorded_at=asked_at)])
