"""Every event type: its name on the bus, its body and the item it belongs to."""

from dataclasses import dataclass
from functools import cache

import msgspec

from contracts import alerts, facts, features, operations, records, risk
from contracts.codes import Item

Body = msgspec.Struct


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type. ``identified`` bodies may hold names and never pass identity."""

    name: str
    body: type[Body]
    item: Item
    identified: bool


def _kebab(name: str) -> str:
    return "".join("-" + c.lower() if c.isupper() else c for c in name).lstrip("-")


def _types(item: Item, *bodies: type[Body], identified: bool = False) -> list[EventType]:
    return [EventType(_kebab(body.__name__), body, item, identified) for body in bodies]


_ALL: list[EventType] = [
    *_types(
        Item.registry,
        records.SchoolRegistered,
        records.ClassRegistered,
        records.StaffRegistered,
        records.StaffAssigned,
        records.PupilRegistered,
        records.PupilEnrolled,
        records.PupilErasureRequested,
        records.CalendarPublished,
        identified=True,
    ),
    *_types(
        Item.attendance,
        records.AttendanceRecorded,
        records.AttendanceRetracted,
        records.RollCallTaken,
        identified=True,
    ),
    *_types(Item.survey, records.SurveyAnswered, identified=True),
    *_types(
        Item.infirmary_detail, records.InfirmaryVisited, records.InfirmaryVisitRetracted, identified=True
    ),
    *_types(Item.operations, records.ClockAdvanced),
    *_types(
        Item.registry,
        facts.EnrolmentSet,
        facts.EnrolmentWithdrawn,
        facts.PupilErased,
        facts.CalendarSet,
        facts.SchoolDescribed,
        facts.ClassDescribed,
        facts.StaffAssignmentSet,
    ),
    *_types(Item.registry, facts.PupilProfiled, facts.StaffProfiled, identified=True),
    *_types(
        Item.attendance,
        facts.AttendanceMarked,
        facts.AttendanceWithdrawn,
        facts.ClassDaysTallied,
        facts.ClassDayCounted,
    ),
    *_types(Item.survey, facts.SurveyMarked),
    *_types(Item.infirmary_count, facts.InfirmaryVisitCounted, facts.InfirmaryVisitWithdrawn),
    *_types(Item.infirmary_detail, facts.InfirmaryVisitDetailed),
    *_types(Item.operations, facts.SchoolDaySettled, facts.SchoolDayClosed, facts.ClassesConfirmed),
    *_types(Item.operations, facts.LongAbsenceRuleSet),
    *_types(Item.attendance, features.AttendanceFeaturesUpdated, features.LabelMatured),
    *_types(Item.infirmary_count, features.InfirmaryFeaturesUpdated),
    *_types(Item.survey, features.SurveyFeaturesUpdated, features.CombinedLabelMatured),
    *_types(Item.operations, features.ModelPublished),
    *_types(Item.attendance, risk.RiskAssessed),
    *_types(
        Item.attendance,
        alerts.AlertRaised,
        alerts.AlertEnded,
        alerts.AlertRetracted,
        alerts.AlertDelivered,
        alerts.AlertEscalated,
        alerts.AlertDeliveryQueued,
        alerts.AlertDeliveryFailed,
        alerts.AlertSeen,
        alerts.AlertAcknowledged,
        alerts.AlertClosed,
    ),
    *_types(
        Item.operations,
        operations.DeadLettered,
        operations.DeadLetterReplayAsked,
        operations.DeadLetterReplayed,
        operations.RecordRefused,
        operations.ConsumerPulsed,
        operations.ScoreboardPublished,
        operations.WaitingCounted,
        operations.SourcesTallied,
    ),
]

BY_NAME: dict[str, EventType] = {each.name: each for each in _ALL}
BY_BODY: dict[type[Body], EventType] = {each.body: each for each in _ALL}

_encoder = msgspec.json.Encoder()


@cache
def decoder(name: str) -> msgspec.json.Decoder[Body]:
    """The validating decoder of an event type's body.

    Raises:
        KeyError: no such event type.
    """
    return msgspec.json.Decoder(BY_NAME[name].body)


def encode(body: Body) -> bytes:
    """A body as JSON bytes."""
    return _encoder.encode(body)
