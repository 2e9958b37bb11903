"""Operators' and administrators' pages: no content about any child."""

from dataclasses import dataclass
from datetime import date, datetime

from contracts.codes import Basis, Decider, Item, Refusal, StaffRole, StopReason


@dataclass(frozen=True, slots=True)
class StopLine:
    """A partition that stopped itself, and why."""

    topic: str
    partition: int
    reason: StopReason


@dataclass(frozen=True, slots=True)
class ConsumerLine:
    """One consumer's sums. The two differences and the holes must be 0."""

    service: str
    consumer: str
    received: int
    applied: int
    stale: int
    dead: int
    waiting: int
    erased: int
    position_difference: int
    outcome_difference: int
    lag: int
    stopped: bool
    pulsed_at: datetime
    silent: bool
    stops: tuple[StopLine, ...] = ()
    holes: int = 0  # numbered events that never came


@dataclass(frozen=True, slots=True)
class EdgeLine:
    """Distinct numbered events of a topic: sent by all producers, received by one consumer; settles at 0.

    ``holes`` were jumped over and never come; of the rest, what is missing ``at_rest`` is lost, too.
    """

    topic: str
    consumer: str
    sent: int
    received: int
    difference: int
    holes: int = 0
    at_rest: bool = False


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Number 1: ``difference`` must be 0; ``waiting`` is a term of its own."""

    difference: int
    waiting: int
    consumers: tuple[ConsumerLine, ...]
    edges: tuple[EdgeLine, ...]


@dataclass(frozen=True, slots=True)
class EventAge:
    """Number 2: age of the oldest unprocessed event (0: nothing waits, None: not known).

    ``visible_*``: from the confirmation to the alert in the read model, of the last hour.
    """

    oldest_seconds: float | None
    visible_p50_seconds: float | None
    visible_p99_seconds: float | None
    samples: int


@dataclass(frozen=True, slots=True)
class SchoolConfirmed:
    """Confirmed and expected classes of one school."""

    school: str
    school_name: str
    confirmed: int
    expected: int


@dataclass(frozen=True, slots=True)
class SourceSeen:
    """What one source has sent so far; without ``last_event_at`` nothing that could be taken."""

    source: str
    last_event_at: datetime | None
    accepted: int
    refused: int


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Number 3. ``is_school_day`` False: 授業日ではありません, never red.

    ``last_event_at``: the last confirmed class, by school's name. ``sources``: the longest silent first.
    """

    school_date: date
    is_school_day: bool
    confirmed: int
    expected: int
    schools: tuple[SchoolConfirmed, ...]
    last_event_at: tuple[tuple[str, datetime], ...]
    sources: tuple[SourceSeen, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """Number 4: identity's waiting room."""

    records: int
    references: int
    oldest_at: datetime | None
    counted_at: datetime | None


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """Dead letters of today by where and why."""

    service: str
    consumer: str
    topic: str
    code: Refusal
    count: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Number 5."""

    today: int
    lines: tuple[RefusedLine, ...]


@dataclass(frozen=True, slots=True)
class LetterLine:
    """Dead letters that still stand, by consumer and code; ``tried`` were handled again and are still bad."""

    service: str
    consumer: str
    code: Refusal
    count: int
    first_at: datetime
    last_at: datetime
    tried: int
    tried_at: datetime | None


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Number 6: both must be 0."""

    without_recipient: int
    failed_deliveries: int


@dataclass(frozen=True, slots=True)
class AlertsToday:
    """Number 7, of the school date; ``unseen``: for more than two school days."""

    raised: int
    held: int
    withdrawn: int
    unseen: int


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One way of naming children, on matured labels at five names per school and month.

    ``contested_…``: where a model was there to be compared; by these figures it is decided who leads.
    """

    method: str
    named: int
    cases: int
    recall_lead_5: float | None
    recall_lead_10: float | None
    precision: float | None
    contested_cases: int = 0
    contested_recall_lead_5: float | None = None
    contested_precision: float | None = None


@dataclass(frozen=True, slots=True)
class WhoDecides:
    """Number 8: rules or model on one basis."""

    basis: Basis
    decider: Decider
    labels: int
    rows: tuple[ScoreRow, ...]
    published_at: datetime


@dataclass(frozen=True, slots=True)
class OperatorsPage:
    """The eight numbers in their order. No content about any child."""

    reconciliation: Reconciliation
    age: EventAge
    confirmed: Confirmed
    waiting: Waiting
    refused: Refused
    undelivered: Undelivered
    alerts: AlertsToday
    deciders: tuple[WhoDecides, ...]
    audit_chain_ok: bool | None
    audit_sealed_until: datetime | None
    measured_at: datetime
    letters: tuple[LetterLine, ...] = ()


@dataclass(frozen=True, slots=True)
class GrantLine:
    """A right granted by hand; ``items`` beyond the post's own."""

    grant_id: str
    staff_name: str
    role: StaffRole
    school_name: str | None
    items: tuple[Item, ...]
    valid_from: date
    valid_to: date
    granted_by: str | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One row of the operation log. Children are counted here, listed in ``linkage_ids``."""

    at: datetime
    who: str
    action: str
    items: tuple[str, ...]
    rule: str
    outcome: str
    purpose: str
    linkage_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AdminPage:
    """Grants and the latest rows of the operation log."""

    grants: tuple[GrantLine, ...]
    audit: tuple[AuditLine, ...]
