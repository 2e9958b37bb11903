"""Loads what a view of some children is made of, in at most six statements however many children."""

import asyncio
from collections.abc import Sequence
from datetime import date

from services.identity.ledger import Claim, Kind
from services.identity.minting import Minter
from services.identity.registry import Enrolment, Registration
from services.identity.store_ledger import Scope
from services.identity.store_registry import RegistryStore
from services.identity.views import Child, View, Viewer, grouped

_CHILDREN_BETWEEN_PAUSES = 50


async def load_view(
    store: RegistryStore,
    minter: Minter,
    scopes: Sequence[Scope],
    days_only: bool = False,
    profiles: bool = False,
) -> View:
    """What should be known beyond identity of these children's days.

    Args:
        days_only: leave out the registry (enrolments, profile).
        profiles: names too.
    """
    if not scopes:
        return {}
    linkage_ids = sorted({scope.linkage_id for scope in scopes})
    enrolments = await store.enrolments_of(linkage_ids)
    claims = await store.claims_in(scopes)
    roll_calls = grouped(await store.roll_calls_in(_spans(scopes, enrolments)))
    kinds = {}
    if not days_only:
        kinds = await store.school_kinds({e.school for each in enrolments.values() for e in each})
    names: dict[str, list[Registration]] = {}
    for one in await store.registrations_of(linkage_ids) if profiles and not days_only else ():
        names.setdefault(one.linkage_id, []).append(one)
    viewer = Viewer(minter, kinds, roll_calls)
    found: View = {}
    for number, scope in enumerate(scopes):
        if number % _CHILDREN_BETWEEN_PAUSES == 0:
            await asyncio.sleep(0)  # a year of a school is seconds of work; heartbeats must go out meanwhile
        own = [c for c in claims.get(scope.linkage_id, ()) if _within(c, scope)]
        registrations = names.get(scope.linkage_id, ())
        child = Child(scope.linkage_id, scope.lo, scope.hi, enrolments[scope.linkage_id], own, registrations)
        found |= viewer.view(child, days_only)
    return found


def _within(claim: Claim, scope: Scope) -> bool:
    return claim.kind is Kind.survey or scope.lo <= claim.day < scope.hi


def _spans(scopes: Sequence[Scope], enrolments: dict[str, list[Enrolment]]) -> list[tuple[str, date, date]]:
    """Days of classes whose roll-calls concern these children: one range for each class."""
    found: dict[str, tuple[date, date]] = {}
    for scope in scopes:
        for each in enrolments[scope.linkage_id]:
            lo, hi = max(scope.lo, each.valid_from), min(scope.hi, each.valid_to)
            if lo < hi:
                before = found.get(each.class_id, (lo, hi))
                found[each.class_id] = min(before[0], lo), max(before[1], hi)
    return [(room, *span) for room, span in found.items()]
