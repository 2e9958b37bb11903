"""The eight numbers in design order; and what administrators see. Nothing about any child but IDs in the log."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from contracts.codes import Decider, Item, Refusal, StaffRole
from contracts.operations import ConsumerPulsed
from services.gateway import replaying, schoolyear
from services.gateway.access import Action
from services.gateway.store import counts, log, people
from services.gateway.views import (
    AdminPage,
    AuditLine,
    Confirmed,
    ConsumerLine,
    EdgeLine,
    GrantLine,
    OperatorsPage,
    Reconciliation,
    Refused,
    RefusedLine,
    ScoreRow,
    StopLine,
    WhoDecides,
)
from services.gateway.visit import Visit

_SILENT = timedelta(seconds=15)


def reconcile(pulses: Iterable[ConsumerPulsed], now: datetime) -> Reconciliation:
    """The three equations over every consumer. A partition that changed hands counts once, by its newest word."""
    newest: dict[tuple[str, str, int], tuple[datetime, int]] = {}
    pulses = list(pulses)
    for index, pulse in enumerate(pulses):
        for lane in pulse.lanes:
            key = (pulse.consumer, lane.topic, lane.partition)
            if key not in newest or newest[key][0] < pulse.pulsed_at:
                newest[key] = (pulse.pulsed_at, index)
    by_consumer: dict[str, list[int]] = defaultdict(list)
    for index, pulse in enumerate(pulses):
        by_consumer[pulse.consumer].append(index)
    owners = {key: index for key, (_, index) in newest.items()}
    lines = [
        _consumer([(index, pulses[index]) for index in indexes], owners, now)
        for _, indexes in sorted(by_consumer.items())
    ]
    edges = _edges(pulses, owners)
    return Reconciliation(
        difference=sum(abs(line.position_difference) + abs(line.outcome_difference) for line in lines),
        waiting=sum(line.waiting for line in lines),
        consumers=tuple(lines),
        edges=edges,
    )


def _consumer(
    pulses: Sequence[tuple[int, ConsumerPulsed]], owners: dict[tuple[str, str, int], int], now: datetime
) -> ConsumerLine:
    lanes = [
        lane
        for index, pulse in pulses
        for lane in pulse.lanes
        if owners[pulse.consumer, lane.topic, lane.partition] == index
    ]
    last = max((pulse for _, pulse in pulses), key=lambda each: each.pulsed_at)
    received = sum(lane.received for lane in lanes)
    outcomes = sum(lane.applied + lane.stale + lane.dead + lane.waiting + lane.erased for lane in lanes)
    return ConsumerLine(
        service=last.service,
        consumer=last.consumer,
        received=received,
        applied=sum(lane.applied for lane in lanes),
        stale=sum(lane.stale for lane in lanes),
        dead=sum(lane.dead for lane in lanes),
        waiting=sum(lane.waiting for lane in lanes),
        erased=sum(lane.erased for lane in lanes),
        position_difference=sum(lane.next_offset - lane.start_offset for lane in lanes) - received,
        outcome_difference=received - outcomes,
        lag=sum(max(lane.log_end_offset - lane.next_offset, 0) for lane in lanes),
        stopped=any(pulse.stopped for _, pulse in pulses if now - pulse.pulsed_at < _SILENT),
        pulsed_at=last.pulsed_at,
        silent=now - last.pulsed_at > _SILENT,
        stops=tuple(
            StopLine(each.topic, each.partition, each.reason)
            for _, pulse in pulses
            for each in pulse.stops
            if now - pulse.pulsed_at < _SILENT
        ),
    )


def _edges(pulses: Sequence[ConsumerPulsed], owners: dict[tuple[str, str, int], int]) -> tuple[EdgeLine, ...]:
    """Distinct numbered events by topic: sent by all producers together against received by each consumer.

    Only where producer and consumer both number them; events on the way make a passing difference.
    """
    newest: dict[str, ConsumerPulsed] = {}
    for pulse in pulses:
        held = newest.get(pulse.consumer)
        if held is None or held.pulsed_at < pulse.pulsed_at:
            newest[pulse.consumer] = pulse
    sent: dict[str, int] = defaultdict(int)
    for pulse in newest.values():
        for each in pulse.emitted:
            sent[each.topic] += each.count
    return tuple(
        EdgeLine(each.topic, pulse.consumer, sent[each.topic], each.count, sent[each.topic] - each.count)
        for _, pulse in sorted(newest.items())
        for each in pulse.distinct
        if each.topic in sent
    )


async def read(visit: Visit, chain_ok: bool | None) -> OperatorsPage:
    """The page of operators. Raises Denied."""
    visit.require((), Item.operations, Action.operate)
    visit.entry.show((), [Item.operations])
    tx, now = visit.tx, datetime.now(UTC)
    reconciliation = reconcile(await counts.pulses(tx), now)
    alerts, undelivered = await counts.alerts_today(tx)
    waiting = await counts.waiting(tx)
    letters = await counts.letters(tx)
    return OperatorsPage(
        reconciliation=replace(reconciliation, waiting=waiting.records),
        age=replace(await counts.delay(tx), oldest_seconds=_nothing_waits(reconciliation)),
        confirmed=await _confirmed(visit),
        waiting=waiting,
        refused=Refused(
            sum(row["count"] for row in letters),
            tuple(
                RefusedLine(row["service"], row["consumer"], row["topic"], Refusal(row["code"]), row["count"])
                for row in letters
            ),
        ),
        undelivered=undelivered,
        alerts=alerts,
        deciders=await _deciders(visit),
        audit_chain_ok=chain_ok,
        audit_sealed_until=await log.sealed_until(tx),
        measured_at=now,
        letters=await counts.standing_letters(tx, replaying.KEEPERS),
    )


def _nothing_waits(reconciliation: Reconciliation) -> float | None:
    """0 when every consumer has read all there is; how old the rest is, is not told by pulses."""
    lines = reconciliation.consumers
    return 0.0 if lines and not any(line.lag or line.silent for line in lines) else None


async def _confirmed(visit: Visit) -> Confirmed:
    schools = await counts.confirmed(visit.tx, visit.today)
    is_open = await counts.any_school_day(visit.tx, visit.today, schoolyear.year_of(visit.today))
    return Confirmed(
        school_date=visit.today,
        is_school_day=is_open,
        confirmed=sum(each.confirmed for each in schools),
        expected=sum(each.expected for each in schools),
        schools=schools,
        last_event_at=await counts.last_heard(visit.tx),
    )


def _method(name: str) -> str:
    """A method as screens call it: scoring names rules with hyphens, and the rules together after their band."""
    return Decider.rules.value if name == "rule-band" else name.replace("-", "_")


async def _deciders(visit: Visit) -> tuple[WhoDecides, ...]:
    return tuple(
        WhoDecides(
            basis=board.basis,
            decider=Decider.model if board.leads else Decider.rules,
            labels=board.labels,
            rows=tuple(
                ScoreRow(
                    _method(line.method),
                    line.named,
                    line.cases,
                    line.recall_lead_5,
                    line.recall_lead_10,
                    line.precision,
                    line.contested_cases,
                    line.contested_recall_lead_5,
                    line.contested_precision,
                )
                for line in board.lines
            ),
            published_at=board.published_at,
        )
        for board in await counts.scoreboards(visit.tx)
    )


async def admin(visit: Visit) -> AdminPage:
    """Grants and the newest rows of the operation log. Raises Denied."""
    visit.require((), Item.registry, Action.administer)
    grants = tuple(
        GrantLine(
            grant_id=row["grant_id"],
            staff_name=row["staff_name"],
            role=StaffRole(row["role"]),
            school_name=row["school_name"],
            items=tuple(Item(item) for item in row["items"]),
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            granted_by=row["granted_by_name"],
            revoked_at=row["revoked_at"],
        )
        for row in await people.grants(visit.tx)
    )
    rows = await log.latest(visit.tx, 200)
    names = await people.account_names(visit.tx, sorted({row["viewer"] for row in rows}))
    lines = tuple(
        AuditLine(
            at=row["at"],
            who=names.get(row["viewer"], ""),
            action=row["action"],
            items=tuple(row["items"]),
            rule=row["rule"],
            outcome=row["outcome"],
            purpose=row["purpose"],
            linkage_ids=tuple(row["linkage_ids"]),
        )
        for row in rows
    )
    return AdminPage(grants, lines)
