"""The life of an alert: raised, delivered, seen, acknowledged, closed; or retracted."""

from datetime import date, datetime

from msgspec import Struct

from contracts.codes import AlertOutcome, Band, Basis, Decider, DeliveryNews, Retraction, StaffRole
from contracts.facts import Fact
from contracts.risk import Reason
from contracts.scalars import ClassId, Count, Grade, LinkageId, OpaqueId, PartName, SchoolId, StaffId, Version


class Recipient(Struct, frozen=True, gc=False, omit_defaults=True):
    """Whom the alert is for, and as what. ``staff_id`` None: nobody holds the post."""

    role: StaffRole
    staff_id: StaffId | None = None


class AlertRaised(Fact, frozen=True):
    """A new alert, or the same alert with other days, reasons, level or recipients.

    Natural key: alert_id; greatest version wins, among raised, ended and retracted together: whatever order
    they come in, a withdrawal beats the raisings it withdraws and a later raising beats that withdrawal.
    ``alert_id`` is derived from (linkage_id, episode, basis, school). ``held``: beyond the month's budget, listed
    under 「ほかの変化」 and interrupting nobody.
    """

    alert_id: OpaqueId
    linkage_id: LinkageId
    school: SchoolId
    class_id: ClassId
    grade: Grade
    basis: Basis
    episode: date
    level: Band
    as_of: date
    decided_by: Decider
    reasons: list[Reason]
    recipients: list[Recipient]
    held: bool
    raised_at: datetime
    version: Version


class AlertRetracted(Fact, frozen=True):
    """The data no longer carry the alert. Natural key: alert_id; greatest version wins."""

    alert_id: OpaqueId
    linkage_id: LinkageId
    school: SchoolId
    why: Retraction
    retracted_at: datetime
    version: Version


class AlertEnded(Fact, frozen=True):
    """The alert stands no longer and nothing was corrected: its days passed, or the attendance alert says as much.

    Natural key: alert_id; greatest version wins. ``ended_on``: the school day that no longer carried it.
    """

    alert_id: OpaqueId
    linkage_id: LinkageId
    school: SchoolId
    ended_on: date
    ended_at: datetime
    version: Version


class AlertDelivered(Fact, frozen=True):
    """A channel took the alert. Natural key: delivery_id."""

    alert_id: OpaqueId
    linkage_id: LinkageId
    school: SchoolId
    delivery_id: OpaqueId
    channel: PartName
    delivered_at: datetime
    recipient: Recipient | None = None


class AlertDeliveryQueued(Fact, frozen=True):
    """Another system is about to be told of the alert, by an id that says nothing. Natural key: delivery_id.

    ``receiver``: the system whose keys may fetch what the delivery is about.
    """

    alert_id: OpaqueId
    linkage_id: LinkageId
    school: SchoolId
    delivery_id: OpaqueId
    channel: PartName
    receiver: PartName
    news: DeliveryNews
    queued_at: datetime


class AlertDeliveryFailed(Fact, frozen=True):
    """A channel did not take the message and it is given up. Natural key: delivery_id; a delivery beats it."""

    alert_id: OpaqueId
    linkage_id: LinkageId
    school: SchoolId
    delivery_id: OpaqueId
    channel: PartName
    news: DeliveryNews
    attempts: Count
    failed_at: datetime


class AlertEscalated(Fact, frozen=True):
    """Unseen for two school days: the next person. Natural key: alert_id, step."""

    alert_id: OpaqueId
    linkage_id: LinkageId
    school: SchoolId
    step: Count
    recipients: list[Recipient]
    escalated_at: datetime


# --- alert-responses: what people did, born in the gateway ---


class AlertSeen(Fact, frozen=True):
    """Somebody opened it. Natural key: alert_id, staff_id."""

    alert_id: OpaqueId
    linkage_id: LinkageId
    school: SchoolId
    staff_id: StaffId
    seen_at: datetime


class AlertAcknowledged(Fact, frozen=True):
    """Somebody takes it on. Natural key: alert_id, staff_id."""

    alert_id: OpaqueId
    linkage_id: LinkageId
    school: SchoolId
    staff_id: StaffId
    acknowledged_at: datetime


class AlertClosed(Fact, frozen=True):
    """Somebody says what came of it. Natural key: alert_id."""

    alert_id: OpaqueId
    linkage_id: LinkageId
    school: SchoolId
    staff_id: StaffId
    outcome: AlertOutcome
    closed_at: datetime
