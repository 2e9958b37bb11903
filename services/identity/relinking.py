"""Registry changes: who is who, who belongs where, and what follows for everything known already.

Order of work: which registrations and enrolments are new; which links follow; the view before;
write; resolve the claims that may have moved; the view after; publish the difference. It runs
alone (the gate is closed to others), so what it reads stays true.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from contracts import records
from contracts.envelope import Event
from services.identity import metrics, publishing
from services.identity.ledger import Claim, Stamp, Via, stamp_of
from services.identity.linkage import Link, Links, link
from services.identity.minting import Minter
from services.identity.references import Index
from services.identity.registry import Enrolment, Registration, enrolment, registration
from services.identity.store import Scope
from services.identity.store_registry import RegistryStore
from services.identity.viewing import load_view
from services.identity.views import View, changes
from services.identity.waiting import resolve
from services.kit.lanes import Effects

_ALWAYS = (date.min, date.max)
_NO_DAYS = (date.max, date.min)
Source = tuple[int, Event]


@dataclass(slots=True)
class Batch:
    """Registry events of one poll, each with its lane."""

    registered: list[tuple[int, Event, records.PupilRegistered]] = field(default_factory=list)
    enrolled: list[tuple[int, Event, records.PupilEnrolled]] = field(default_factory=list)
    schools: list[tuple[int, Event, records.SchoolRegistered]] = field(default_factory=list)
    erasures: list[tuple[int, Event, records.PupilErasureRequested]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.registered or self.enrolled or self.schools or self.erasures)


@dataclass(slots=True)
class _Plan:
    """What changes, worked out before anything is written."""

    registrations: dict[bytes, Registration] = field(default_factory=dict)
    before: dict[bytes, Registration] = field(default_factory=dict)  # stored versions of all concerned
    links: Links = field(default_factory=lambda: Links({}, []))
    enrolments: dict[str, Enrolment] = field(default_factory=dict)
    enrolments_before: dict[str, Enrolment] = field(default_factory=dict)
    sources: dict[bytes, Source] = field(default_factory=dict)  # the event that touched a pupil
    doomed: dict[bytes, Source] = field(default_factory=dict)  # to be erased with a child already erased
    ranges: dict[str, tuple[date, date]] = field(default_factory=dict)

    def widen(self, linkage_id: str, lo: date, hi: date) -> None:
        """The days of a child that may change."""
        known = self.ranges.get(linkage_id, _NO_DAYS)
        self.ranges[linkage_id] = min(known[0], lo), max(known[1], hi)

    @property
    def relinked(self) -> dict[bytes, tuple[str, str]]:
        """Registered pupils whose linkage ID changes: old, new."""
        return {
            pupil: (self.before[pupil].linkage_id, to.linkage_id)
            for pupil, to in self.links.by_pupil.items()
            if pupil in self.before and self.before[pupil].linkage_id != to.linkage_id
        }

    @property
    def fresh(self) -> set[bytes]:
        """Pupils registered for the first time."""
        return self.registrations.keys() - self.before.keys()

    def linkage_of(self, pupil_key: bytes) -> str | None:
        """The new linkage ID of a pupil; ``None`` while unregistered."""
        if pupil_key in self.links.by_pupil:
            return self.links.by_pupil[pupil_key].linkage_id
        known = self.before.get(pupil_key)
        return known.linkage_id if known else None


class Relinking:
    """Applies the registry events of one poll."""

    def __init__(self, store: RegistryStore, minter: Minter, index: Index, effects: Effects) -> None:
        self._store = store
        self._minter = minter
        self._index = index
        self._effects = effects

    async def apply(self, batch: Batch) -> None:
        """Apply; afterwards every cache is out of date."""
        plan = _Plan()
        await self._enrolments(batch, plan)
        await self._registrations(batch, plan)
        await self._ranges(batch, plan)
        await self._change(batch, plan)
        await self._erase(batch, plan)
        await self._store.next_generation()

    # --- what is new ---

    async def _registrations(self, batch: Batch, plan: _Plan) -> None:
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

    async def _link(self, plan: _Plan, flagged: dict[bytes, Registration]) -> None:
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

    async def _enrolments(self, batch: Batch, plan: _Plan) -> None:
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

    async def _ranges(self, batch: Batch, plan: _Plan) -> None:
        for old, new in plan.relinked.values():
            plan.widen(old, *_ALWAYS)
            plan.widen(new, *_ALWAYS)
        for pupil in plan.registrations:
            linkage_id = plan.linkage_of(pupil)
            assert linkage_id is not None
            plan.widen(linkage_id, *(_ALWAYS if pupil in plan.fresh else _NO_DAYS))
        for key, one in plan.enrolments.items():
            for each in (one, plan.enrolments_before.get(key)):
                if each is not None and (linkage_id := plan.linkage_of(each.pupil_key)):
                    plan.widen(linkage_id, each.valid_from, each.valid_to)
        if batch.schools:
            for linkage_id in await self._store.linkage_ids_at({b.school for _, _, b in batch.schools}):
                plan.widen(linkage_id, *_NO_DAYS)

    # --- change and publish the difference ---

    async def _change(self, batch: Batch, plan: _Plan) -> None:
        store, profiles = self._store, bool(plan.registrations)
        direct = [Scope(linkage_id, *span) for linkage_id, span in plan.ranges.items()]
        old = await load_view(store, self._minter, direct, profiles=profiles)
        await self._write(batch, plan)
        moved = await self._moved(plan)
        extra = _beyond(moved, plan)
        old = await load_view(store, self._minter, extra, days_only=True) | old
        if moved:
            await store.move_claims([claim for claim, _ in moved])
        new = await load_view(store, self._minter, extra, days_only=True)
        new |= await load_view(store, self._minter, direct, profiles=profiles)
        await self._publish(batch, plan, old, new)

    async def _write(self, batch: Batch, plan: _Plan) -> None:
        store = self._store
        everybody = plan.before | plan.registrations
        saved = [(everybody[key], to) for key, to in plan.links.by_pupil.items() if _is_news(plan, key, to)]
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
                metrics.REVIEWS.inc(await store.save_reviews(plan.links.reviews))
        if plan.enrolments:
            await store.save_enrolments(list(plan.enrolments.values()))
        if batch.schools:
            await store.save_schools(_newest_schools(batch))

    async def _moved(self, plan: _Plan) -> list[tuple[Claim, str | None]]:
        """Claims that now mean another child, already pointing there, each with the child it meant before."""
        claims = await self._touched(plan)
        if not claims:
            return []
        known = await self._store.lookup([claim.keys for claim in claims])
        moved = []
        for claim in claims:
            found, before = resolve(claim.keys, claim.day, known), claim.linkage_id
            if (found.via, found.linkage_id) != (claim.via, before):
                if claim.via is Via.waiting:
                    metrics.RELEASED.inc()
                claim.via, claim.linkage_id = found.via, found.linkage_id
                moved.append((claim, before))
        return moved

    async def _touched(self, plan: _Plan) -> list[Claim]:
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

    async def _publish(self, batch: Batch, plan: _Plan, old: View, new: View) -> None:
        linkage_ids = {key[0] for key in old.keys() | new.keys()}
        floors = await self._store.floors(linkage_ids, lock=True) if linkage_ids else {}
        found = changes(old, new, floors)
        if found.floors:
            await self._store.save_floors(found.floors)
            metrics.FORCED.inc(len(found.floors))
        causes = _causes(plan)
        usual = next(iter(plan.sources.values()), None) or _any_source(batch)
        for each in found.publications:
            partition, event = causes.get(each.key[0], usual)
            for outgoing in publishing.published(each, event, self._minter):
                self._effects.emit(partition, outgoing)

    # --- erasure ---

    async def _erase(self, batch: Batch, plan: _Plan) -> None:
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
            for outgoing in publishing.erased(event, linkage_id, self._minter):
                self._effects.emit(partition, outgoing)


def _is_news(plan: _Plan, key: bytes, to: Link) -> bool:
    return key in plan.registrations or plan.before[key].linkage_id != to.linkage_id


def _beyond(moved: Sequence[tuple[Claim, str | None]], plan: _Plan) -> list[Scope]:
    """Days of moved claims that the planned ranges leave out, before and after them."""
    days: dict[str, list[date]] = {}
    for claim, before in moved:
        for linkage_id in {before, claim.linkage_id} - {None}:
            assert linkage_id is not None
            days.setdefault(linkage_id, []).append(claim.day)
    found = []
    for linkage_id, each in days.items():
        lo, hi = plan.ranges.get(linkage_id, _NO_DAYS)
        if lo >= hi:
            lo = hi = min(each)
        found += _parts(linkage_id, each, lo, hi)
    return found


def _parts(linkage_id: str, days: Iterable[date], lo: date, hi: date) -> list[Scope]:
    before = [day for day in days if day < lo]
    after = [day for day in days if day >= hi]
    parts = [Scope(linkage_id, min(before), lo)] if before else []
    return [*parts, Scope(linkage_id, hi, max(after) + timedelta(days=1))] if after else parts


def _causes(plan: _Plan) -> dict[str, Source]:
    """For each child the registry event that touched it, old IDs of relinked pupils included."""
    found: dict[str, Source] = {}
    for pupil, source in plan.sources.items():
        linkage_id = plan.linkage_of(pupil)
        if linkage_id is not None:
            found[linkage_id] = source
        if pupil in plan.before:
            found.setdefault(plan.before[pupil].linkage_id, source)
    return found


def _any_source(batch: Batch) -> Source:
    partition, event, _ = (batch.schools or batch.erasures or batch.enrolled or batch.registered)[0]
    return partition, event


def _newest_schools(batch: Batch) -> list[tuple[str, str, Stamp]]:
    newest: dict[str, tuple[str, str, Stamp]] = {}
    for _, event, body in batch.schools:
        row = (body.school, body.kind.value, stamp_of(event))
        if body.school not in newest or row[2] > newest[body.school][2]:
            newest[body.school] = row
    return sorted(newest.values())
