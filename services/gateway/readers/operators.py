"""The eight numbers in design order; and what administrators see. Nothing about any child but IDs in the log."""

from dataclasses import replace
from datetime import UTC, datetime

from contracts.codes import Decider, Item, Refusal, StaffRole
from services.gateway import replaying, schoolyear
from services.gateway.access import Action
from services.gateway.readers.reconciling import oldest_seconds, reconcile
from services.gateway.store import counts, log, people
from services.gateway.views import (
    AdminPage,
    AuditLine,
    Confirmed,
    GrantLine,
    OperatorsPage,
    Refused,
    RefusedLine,
    ScoreRow,
    WhoDecides,
)
from services.gateway.visit import Visit


async def read(visit: Visit, chain_ok: bool | None) -> OperatorsPage:
    """The page of operators. Raises Denied."""
    visit.require((), Item.operations, Action.operate)
    visit.entry.show((), [Item.operations])
    tx, now = visit.tx, datetime.now(UTC)
    pulses = await counts.pulses(tx)
    reconciliation = reconcile(pulses, now)
    alerts, undelivered = await counts.alerts_today(tx)
    waiting = await counts.waiting(tx)
    letters = await counts.letters(tx)
    return OperatorsPage(
        reconciliation=replace(reconciliation, waiting=waiting.records),
        age=replace(await counts.delay(tx), oldest_seconds=oldest_seconds(pulses, now)),
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
        sources=await counts.sources(visit.tx),
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
