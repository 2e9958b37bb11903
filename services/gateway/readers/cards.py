"""Alerts as cards: only whole bases the viewer may know, only reasons of her audience; no reason left, no card."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from contracts.codes import BASIS_ITEMS, AlertOutcome, Band, Basis, Decider, Item, Retraction, StaffRole
from contracts.risk import Reason
from services.gateway import access
from services.gateway.access import Action
from services.gateway.audience import item_of
from services.gateway.relation import Relation
from services.gateway.store import pages
from services.gateway.views import AlertCard, AlertStatus, AlertStep, ChildLine
from services.gateway.visit import Visit

_reasons = msgspec.json.Decoder(list[Reason])
#: The step by which a head lets those who meet the child see it; no answer to the alert.
PASSED_ON = AlertStep.passed_on
#: Nothing is to be answered any more.
OVER = frozenset({AlertStatus.closed, AlertStatus.ended, AlertStatus.retracted})


@dataclass(slots=True)
class Answers:
    """What people did about one alert."""

    status: AlertStatus = AlertStatus.new
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    outcome: AlertOutcome | None = None
    closed_at: datetime | None = None


@dataclass(slots=True)
class _Beside:
    """Everything about alerts that lies in other tables, by alert."""

    reasons: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[str, Answers] = field(default_factory=lambda: defaultdict(Answers))
    recipients: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    escalated: set[str] = field(default_factory=set)
    passed_on: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)


async def _beside(visit: Visit, alert_ids: Sequence[str]) -> _Beside:
    found = _Beside()
    for row in await pages.beside(visit.tx, alert_ids):
        alert_id = row["alert_id"]
        if row["kind"] == "reason":
            found.reasons[alert_id].append((row["audience"], row["reasons"]))
        elif row["kind"] == "recipient":
            found.recipients[alert_id].add(row["staff_id"])
            if row["escalation"]:
                found.escalated.add(alert_id)
        elif row["step"] == PASSED_ON:
            found.passed_on.add(alert_id)
        else:
            _answer(found.answers[alert_id], row)
    people = {each.acknowledged_by for each in found.answers.values() if each.acknowledged_by}
    found.names = await pages.staff_names(visit.tx, sorted(people))
    return found


_RANK = {AlertStatus.new: 0, AlertStatus.seen: 1, AlertStatus.acknowledged: 2, AlertStatus.closed: 3}


def _answer(answers: Answers, row: Mapping[str, Any]) -> None:
    """Fold one response in; rows come oldest first."""
    step = AlertStatus(row["step"])
    if _RANK[step] > _RANK[answers.status]:
        answers.status = step
    if step is AlertStatus.acknowledged and answers.acknowledged_at is None:
        answers.acknowledged_by, answers.acknowledged_at = row["staff_id"], row["at"]
    if step is AlertStatus.closed:
        answers.outcome, answers.closed_at = AlertOutcome(row["outcome"]), row["at"]


def _heard(
    visit: Visit, relations: tuple[Relation, ...], action: Action, stored: list[tuple[str, str]]
) -> tuple[Reason, ...]:
    """The reasons of this reader's audience, attendance first."""
    found: list[Reason] = []
    for audience, text in sorted(stored, key=lambda each: (each[0] != Item.attendance, each[0])):
        item = item_of(audience)
        if item is Item.survey and not visit.sees(relations, audience):
            continue
        if visit.may(relations, item, action):
            visit.entry.show((), [item])
            found += _reasons.decode(text)
    return tuple(found)


def _meant(visit: Visit, relations: tuple[Relation, ...], alert_id: str, beside: _Beside) -> bool:
    """Under the policy principal_first an alert is for heads, and for those it was handed to."""
    if not visit.viewer.board_sees_children or alert_id in beside.passed_on:
        return True
    heads = access.HEADS | {StaffRole.board}
    return visit.viewer.staff_id in beside.recipients[alert_id] or any(r.role in heads for r in relations)


def may_pass_on(visit: Visit, relations: tuple[Relation, ...]) -> bool:
    """Whether the viewer was told first and decides who hears next."""
    return visit.viewer.board_sees_children and any(each.role in access.HEADS for each in relations)


async def cards(
    visit: Visit,
    alerts: Sequence[Mapping[str, Any]],
    lines: Mapping[str, ChildLine],
    places: Mapping[str, Mapping[str, Any]],
    action: Action,
) -> list[AlertCard]:
    """Cards of ``alerts`` about the children in ``lines``; ``places`` are the rows the lines were made of."""
    mine = [row for row in alerts if row["linkage_id"] in lines]
    beside = await _beside(visit, [row["alert_id"] for row in mine])
    found = []
    for row in mine:
        relations = visit.relations(places[row["linkage_id"]])
        whole = all(visit.may(relations, item, action) for item in BASIS_ITEMS[Basis(row["basis"])])
        if not whole or not _meant(visit, relations, row["alert_id"], beside):
            continue
        reasons = _heard(visit, relations, action, beside.reasons[row["alert_id"]])
        if reasons:
            may_respond = visit.may(relations, Item.attendance, Action.respond)
            card = _card(row, lines[row["linkage_id"]], reasons, beside, may_respond)
            for_me = visit.viewer.staff_id in beside.recipients[row["alert_id"]]
            here = card.may_respond and row["alert_id"] not in beside.passed_on
            passes = here and may_pass_on(visit, relations)
            found.append(replace(card, for_me=for_me, may_pass_on=passes))
    return found


def _status(row: Mapping[str, Any], answers: Answers) -> AlertStatus:
    """What somebody has taken on stays with her until she has said what came of it, though its days have passed."""
    if row["retracted"]:
        return AlertStatus.retracted
    if not row["standing"] and answers.status in (AlertStatus.new, AlertStatus.seen):
        return AlertStatus.ended
    return answers.status


def _card(
    row: Mapping[str, Any],
    child: ChildLine,
    reasons: tuple[Reason, ...],
    beside: _Beside,
    may_respond: bool,
) -> AlertCard:
    answers = beside.answers[row["alert_id"]]
    status = _status(row, answers)
    return AlertCard(
        alert_id=row["alert_id"],
        child=child,
        level=Band(row["level"]),
        basis=Basis(row["basis"]),
        status=status,
        held=row["held"],
        raised_at=row["raised_at"],
        as_of=row["as_of"],
        decided_by=Decider(row["decided_by"]),
        reasons=reasons,
        may_respond=may_respond and status not in OVER,
        version=int(row["raised_version"]),
        escalated=row["alert_id"] in beside.escalated,
        acknowledged_by=beside.names.get(answers.acknowledged_by or "") or None,
        acknowledged_at=answers.acknowledged_at,
        outcome=answers.outcome,
        closed_at=answers.closed_at,
        ended_at=row["ended_at"] if status is AlertStatus.ended else None,
        retracted_at=row["retracted_at"] if row["retracted"] else None,
        retraction=Retraction(row["retraction"]) if row["retracted"] else None,
    )
