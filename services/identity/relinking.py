"""Registry changes: who is who, who belongs where, and what follows for everything known already.

Order of work: which registrations and enrolments are new; which links follow; the view before;
write; resolve the claims that may have moved; the view after; publish the difference. It runs
alone (the gate is closed to others), so what it reads stays true.
"""

from prometheus_client import Counter

from contracts.envelope import Event
from services.identity import metrics, planning, publishing
from services.identity.ledger import Claim, Via
from services.identity.linkage import Links, link
from services.identity.minting import Minter
from services.identity.planning import ALWAYS, NO_DAYS, Batch, Plan
from services.identity.references import Index
from services.identity.registry import Enrolment, Registration, enrolment, registration
from services.identity.store_ledger import Scope
from services.identity.store_registry import RegistryStore
from services.identity.viewing import load_view
from services.identity.views import View, changes
from services.identity.waiting import resolve
from services.kit.lanes import Effects


class Relinking:
    """Applies the registry events of one poll."""

    def __init__(self, store: RegistryStore, minter: Minter, index: Index, effects: Effects) -> None:
        self._store = store
        self._minter = minter
        self._index = index
        self._effects = effects

    async def apply(self, batch: Batch) -> None:
        """Apply; afterwards every cache is out of date."""
        plan = Plan()
        await self._enrolments(batch, plan)
        await self._registrations(batch, plan)
        await self._ranges(batch, plan)
        await self._change(batch, plan)
        await self._erase(batch, plan)
        await self._store.next_generation()

    # --- what is new ---

    async def _registrations(self, batch: Batch, plan: Plan) -> None:
        newest: dict[bytes, tuple[int, Event, Registration]] = {}
        for partition, event, body in batch.registered:
            one = registration(event, body, self._minter, self._index)
            known = newest.get(one.pupil_key)
            if known is None or one.stamp > known[2].stamp:
                newest[one.pupil_key] = (partition, event, one)
            if known is not None:
                self._effects.stale[known[0] if newest[one.pupil_key][2] is one else partition] += 1
        stored = await self._store.registrations(newest)
        gone = await self._store.erased(newest) if newest else {}
        flagged: dict[bytes, Registration] = {}
        for key, (partition, event, one) in newest.items():
            plan.sources[key] = (partition, event)
            if key in gone:
                self._effects.erased[partition] += 1
                flagged[key] = one
            elif key in stored and one.stamp <= stored[key].stamp:
                self._effects.stale[partition] += 1
            else:
                plan.registrations[key] = one
        plan.before |= stored
        await self._link(plan, flagged)

    async def _link(self, plan: Plan, flagged: dict[bytes, Registration]) -> None:
        """Link everything that shares a name key with what is new; erased children take theirs with them."""
        new = plan.registrations | flagged
        if not new:
            return
        members = await self._concerned(new)
        plan.before |= {key: one for key, one in members.items() if key not in flagged}
        links = link(list((members | new).values()))
        doomed_ids = {links.by_pupil[key].linkage_id: key for key in flagged}
        for key, each in links.by_pupil.items():
            if each.linkage_id in doomed_ids and key not in flagged:
                plan.doomed[key] = plan.sources[doomed_ids[each.linkage_id]]
        by_pupil = {key: each for key, each in links.by_pupil.items() if key not in flagged}
        reviews = [r for r in links.reviews if r.left not in flagged and r.right not in flagged]
        plan.links = Links(by_pupil, reviews)

    async def _concerned(self, new: dict[bytes, Registration]) -> dict[bytes, Registration]:
        """Stored registrations reachable from these by shared name keys, now or before."""
        keys = {key for one in new.values() for key in self._index.of_names(one.names, one.birth_date)}
        keys |= await self._store.name_keys_of(new)
        seen_keys: set[bytes] = set()
        pupils: set[bytes] = set()
        while keys - seen_keys:
            found = await self._store.pupils_named(keys - seen_keys) - pupils
            seen_keys |= keys
            pupils |= found
            keys = await self._store.name_keys_of(found) if found else set()
        return await self._store.registrations(pupils) if pupils else {}

    async def _enrolments(self, batch: Batch, plan: Plan) -> None:
        if not batch.enrolled:
            return
        newest: dict[str, tuple[int, Event, Enrolment]] = {}
        for partition, event, body in batch.enrolled:
            one = enrolment(event, body, self._minter, self._index)
            known = newest.get(one.enrolment_id)
            if known is None or one.stamp > known[2].stamp:
                newest[one.enrolment_id] = (partition, event, one)
            if known is not None:
                self._effects.stale[known[0] if newest[one.enrolment_id][2] is one else partition] += 1
        plan.enrolments_before = await self._store.enrolments(newest)
        pupils = {one.pupil_key for _, _, one in newest.values()}
        pupils |= {one.pupil_key for one in plan.enrolments_before.values()}
        gone = await self._store.erased(pupils)
        registered = await self._store.registrations(pupils)
        plan.before |= registered
        arriving = {
            self._index.source(event.meta.source, body.pupil_id) for _, event, body in batch.registered
        }
        for key, (partition, event, one) in newest.items():
            stored = plan.enrolments_before.get(key)
            if one.pupil_key in gone:
                self._effects.erased[partition] += 1
            elif stored is not None and one.stamp <= stored.stamp:
                self._effects.stale[partition] += 1
            else:
                plan.enrolments[key] = one
                plan.sources.setdefault(one.pupil_key, (partition, event))
                if one.pupil_key not in registered and one.pupil_key not in arriving:
                    self._effects.waiting[partition] += 1

    # --- whose days may change ---

    async def _ranges(self, batch: Batch, plan: Plan) -> None:
        for old, new in plan.relinked.values():
            plan.widen(old, *ALWAYS)
            plan.widen(new, *ALWAYS)
        for pupil in plan.registrations:
            linkage_id = plan.linkage_of(pupil)
            assert linkage_id is not None
            plan.widen(linkage_id, *(ALWAYS if pupil in plan.fresh else NO_DAYS))
        for key, one in plan.enrolments.items():
            for each in (one, plan.enrolments_before.get(key)):
                if each is not None and (linkage_id := plan.linkage_of(each.pupil_key)):
                    plan.widen(linkage_id, each.valid_from, each.valid_to)
        if batch.schools:
            for linkage_id in await self._store.linkage_ids_at({b.school for _, _, b in batch.schools}):
                plan.widen(linkage_id, *NO_DAYS)

    # --- change and publish the difference ---

    async def _change(self, batch: Batch, plan: Plan) -> None:
        store, profiles = self._store, bool(plan.registrations)
        direct = [Scope(linkage_id, *span) for linkage_id, span in plan.ranges.items()]
        old = await load_view(store, self._minter, direct, profiles=profiles)
        await self._write(batch, plan)
        moved = await self._moved(plan)
        extra = planning.beyond(moved, plan)
        old = await load_view(store, self._minter, extra, days_only=True) | old
        if moved:
            await store.move_claims([claim for claim, _ in moved])
        new = await load_view(store, self._minter, extra, days_only=True)
        new |= await load_view(store, self._minter, direct, profiles=profiles)
        await self._publish(batch, plan, old, new)

    async def _write(self, batch: Batch, plan: Plan) -> None:
        store = self._store
        everybody = plan.before | plan.registrations
        saved = [
            (everybody[key], to) for key, to in plan.links.by_pupil.items() if planning.is_news(plan, key, to)
        ]
        if saved:
            await store.save_registrations(saved)
        if plan.registrations:
            keys = {
                key: self._index.of_names(one.names, one.birth_date)
                for key, one in plan.registrations.items()
            }
            await store.replace_name_keys(keys, plan.registrations.keys() & plan.before.keys())
            await store.close_reviews(plan.links.by_pupil, plan.links.reviews)
            if plan.links.reviews:
                self._count(metrics.REVIEWS, await store.save_reviews(plan.links.reviews))
        if plan.enrolments:
            await store.save_enrolments(list(plan.enrolments.values()))
        if batch.schools:
            await store.save_schools(planning.newest_schools(batch))

    async def _moved(self, plan: Plan) -> list[tuple[Claim, str | None]]:
        """Claims that now mean another child, already pointing there, each with the child it meant before."""
        claims = await self._touched(plan)
        if not claims:
            return []
        known = await self._store.lookup([claim.keys for claim in claims])
        moved, released = [], 0
        for claim in claims:
            found, before = resolve(claim.keys, claim.day, known), claim.linkage_id
            if (found.via, found.linkage_id) != (claim.via, before):
                released += claim.via is Via.waiting
                claim.via, claim.linkage_id = found.via, found.linkage_id
                moved.append((claim, before))
        self._count(metrics.RELEASED, released)
        return moved

    async def _touched(self, plan: Plan) -> list[Claim]:
        """Claims with a reference that this change may answer otherwise."""
        relinked = plan.relinked
        pupils = plan.fresh | relinked.keys()
        enrolments = [*plan.enrolments.values(), *plan.enrolments_before.values()]
        if pupils:
            enrolments += await self._store.enrolments_of_pupils(pupils)
        seats = {each.seat_key for each in enrolments if each.seat_key is not None}
        read: set[bytes] = set()
        if pupils or plan.registrations:
            read = await self._store.name_keys_of(pupils | plan.registrations.keys())
            for key in plan.registrations.keys() & plan.before.keys():
                read |= self._index.of_names(plan.before[key].names, plan.before[key].birth_date)
        claims = await self._store.claims_by_keys(pupils, seats, read)
        if relinked:
            ids = {old for old, _ in relinked.values()}
            claims += await self._store.claims_of_pupils(set(relinked), ids)
        return claims

    async def _publish(self, batch: Batch, plan: Plan, old: View, new: View) -> None:
        linkage_ids = {key[0] for key in old.keys() | new.keys()}
        floors = await self._store.floors(linkage_ids, lock=True) if linkage_ids else {}
        found = changes(old, new, floors)
        if found.floors:
            await self._store.save_floors(found.floors)
            self._count(metrics.FORCED, len(found.floors))
        causes = planning.causes(plan)
        usual = next(iter(plan.sources.values()), None) or planning.any_source(batch)
        for each in found.publications:
            partition, event = causes.get(each.key[0], usual)
            for outgoing in publishing.published(each, event, self._minter):
                self._effects.emit(partition, outgoing)

    def _count(self, counter: Counter, number: int) -> None:
        self._effects.after_commit.append(lambda: counter.inc(number))

    # --- erasure ---

    async def _erase(self, batch: Batch, plan: Plan) -> None:
        doomed = dict(plan.doomed)
        unknown: list[tuple[bytes, str]] = []
        for partition, event, body in batch.erasures:
            source = event.meta.source
            key = self._index.source(source, body.pupil_id)
            doomed[key] = (partition, event)
            unknown.append((key, self._minter.linkage(source, body.pupil_id)))
        if not doomed:
            return
        if unknown:
            await self._store.remember_erased(unknown)
        asked = await self._store.registrations(doomed)
        causes = {one.linkage_id: doomed[key] for key, one in asked.items()}
        together = await self._store.registrations_of(causes)
        ids = {linkage_id: doomed[key] for key, linkage_id in unknown}
        for one in together:
            ids |= {one.linkage_id: causes[one.linkage_id], one.minted_id: causes[one.linkage_id]}
        pupils = {one.pupil_key for one in together} | doomed.keys()
        await self._store.erase(sorted(pupils), sorted(ids))
        for linkage_id, (partition, event) in sorted(ids.items()):
            for outgoing in publishing.erased(event.meta.id, linkage_id, self._minter, event):
                self._effects.emit(partition, outgoing)
