"""A fact born outside Kafka, as the row that a screen leaves for the relay."""

from datetime import UTC, datetime

from contracts.envelope import Meta, to_headers
from contracts.registry import encode
from kizashi.chaos.toy import language
from kizashi.chaos.toy.language import PARTITIONS, ChaosAnswered
from services.kit.batcher import Message
from services.kit.ids import derived_id
from services.kit.outgoing import pack
from services.kit.partitioner import partition_of


def id_of(name: str) -> str:
    """The event id of an answer."""
    return derived_id("answered", name)


def row_of(run: str, name: str) -> bytes:
    """The relay's row of one answer."""
    now = datetime.now(UTC)
    meta = Meta(id=id_of(name), source="kizashi/chaos", type="chaos-answered", time=now, recorded_at=now)
    return pack(
        [
            Message(
                language.alerts(run),
                partition_of(name, PARTITIONS),
                name.encode(),
                encode(ChaosAnswered(name)),
                to_headers(meta),
            )
        ]
    )
