"""What services tell operators: refused input and the state of each consumer. Nothing about any child."""

from datetime import datetime

from msgspec import Struct, field

from contracts.codes import Basis, Refusal, StopReason
from contracts.facts import Fact
from contracts.scalars import Count, OpaqueId, PartName, SchemaPath


class DeadLettered(Fact, frozen=True):
    """A record could not be applied; its bytes stay with the service. Natural key: consumer and place."""

    service: PartName
    consumer: PartName
    topic: PartName
    partition: Count
    offset: Count
    code: Refusal
    size_bytes: Count
    path: SchemaPath = ""


class DeadLetterReplayAsked(Fact, frozen=True):
    """Somebody wants a consumer's dead letters of one code handled again. Natural key: consumer, code; newest wins."""

    service: PartName
    consumer: PartName
    code: Refusal
    asked_at: datetime


class DeadLetterReplayed(Fact, frozen=True):
    """A dead letter was handled again; without a code it is applied. Natural key: consumer, place; newest wins."""

    service: PartName
    consumer: PartName
    topic: PartName
    partition: Count
    offset: Count
    tried_at: datetime
    code: Refusal | None = None
    path: SchemaPath = ""


class RecordRefused(Fact, frozen=True):
    """Told back to a source on ``<source>-refused``: which record, why, never a value."""

    source: PartName
    event_id: OpaqueId
    code: Refusal
    path: SchemaPath = ""


class TopicCount(Struct, frozen=True, gc=False):
    """Distinct events by topic: emitted to it, or seen coming from it (re-sent ones counted once)."""

    topic: PartName
    count: Count


class LaneState(Struct, frozen=True, omit_defaults=True):
    """Position of one partition and the sums of the reconciliation equations.

    ``emitted``: numbered events it sent, by topic. ``distinct``: those that came to it, from lanes that keep count.
    ``holes``: numbered events that never came. ``oldest_at``: since when the oldest unprocessed record has been
    waiting, at the earliest; None where nothing waits, or where nobody can tell.
    """

    topic: PartName
    partition: Count
    start_offset: Count
    next_offset: Count
    received: Count
    applied: Count
    stale: Count
    dead: Count
    waiting: Count
    erased: Count
    log_end_offset: Count
    emitted: list[TopicCount] = field(default_factory=list)
    distinct: Count = 0
    holes: Count = 0
    oldest_at: datetime | None = None


class LaneStop(Struct, frozen=True, gc=False):
    """A partition that stopped itself, and why."""

    topic: PartName
    partition: Count
    reason: StopReason


class ConsumerPulsed(Fact, frozen=True):
    """A consumer's lanes, every few seconds. Natural key: consumer, member; newest wins.

    ``committed_at``: when the member last committed, began, or sent what another left.
    """

    service: PartName
    consumer: PartName
    member: PartName
    lanes: list[LaneState]
    emitted: list[TopicCount]
    distinct: list[TopicCount]
    stopped: bool
    pulsed_at: datetime
    stops: list[LaneStop] = field(default_factory=list)
    committed_at: datetime | None = None


class ScoreLine(Struct, frozen=True, gc=False):
    """How one way of naming did on matured labels at five names per school and month.

    ``contested_…`` are the same figures over the days and crossings for which a model was there to be compared:
    by them it is decided who leads. The others are over all school years kept, history before any model included.
    """

    method: PartName
    named: Count
    cases: Count
    recall_lead_5: float | None
    recall_lead_10: float | None
    precision: float | None
    contested_named: Count = 0
    contested_cases: Count = 0
    contested_recall_lead_5: float | None = None
    contested_precision: float | None = None


class ScoreboardPublished(Fact, frozen=True):
    """Model, rules and order by total side by side. Natural key: basis; newest wins."""

    basis: Basis
    labels: Count
    leads: bool
    lines: list[ScoreLine]
    published_at: datetime


class WaitingCounted(Fact, frozen=True):
    """Identity's waiting room. Natural key: service; newest wins."""

    records: Count
    references: Count
    oldest_at: datetime | None
    counted_at: datetime


class SourceLine(Struct, frozen=True, gc=False):
    """How much one source has sent, and when ingest last took something of it; None: never yet."""

    source: PartName
    accepted: Count
    refused: Count
    last_event_at: datetime | None


class SourcesTallied(Fact, frozen=True):
    """What each source has sent so far. Natural key: service; newest wins."""

    sources: list[SourceLine]
    counted_at: datetime
