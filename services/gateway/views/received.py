"""What another system fetches of an alert."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from contracts.codes import Band, Decider, DeliveryNews
from contracts.risk import Reason


class ReceivedStatus(StrEnum):
    """Where the alert stands now, whatever the message said."""

    standing = "standing"
    ended = "ended"
    retracted = "retracted"


@dataclass(frozen=True, slots=True)
class ReceivedChild:
    """A child as school systems know it; ``number`` None: the class has not given one yet."""

    school: str
    school_year: int
    grade: int
    class_label: str
    number: int | None


@dataclass(frozen=True, slots=True)
class ReceivedAlert:
    """The alert a message was about. ``child`` None: no longer of this school; then nothing more is told.

    Level, day and reasons are told while the alert stands; reasons are those of the key's items.
    """

    delivery_id: str
    alert_id: str
    news: DeliveryNews
    queued_at: datetime
    status: ReceivedStatus
    child: ReceivedChild | None
    level: Band | None
    as_of: date | None
    decided_by: Decider | None
    reasons: tuple[Reason, ...]
