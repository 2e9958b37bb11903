"""Records about children: find the child, publish the fact, keep the claim. The hot path.

A fact is published with its record's own version at once. Only where something newer was forced out
for that natural key before (a floor) the views before and after decide what is said.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from contracts import records
from contracts.codes import Refusal
from contracts.envelope import Event
from services.identity import facts, ledger, metrics, publishing, rollcall
from services.identity.cache import ChildFacts, Desk, Known
from services.identity.facts import Bodies
from services.identity.ledger import Claim, Draft, Kind, Stamp, Via, stamp_of
from services.identity.minting import Minter
from services.identity.references import Index, Keys
from services.identity.rollcall import RollCall
from services.identity.store import Scope
from services.identity.store_registry import RegistryStore
from services.identity.viewing import load_view
from services.identity.views import Floor, Floors, Key, View, changes
from services.identity.waiting import Resolution, resolve
from services.kit.lanes import Effects

_ONE_CHILD = (
    records.AttendanceRecorded,
    records.AttendanceRetracted,
    records.SurveyAnswered,
    records.InfirmaryVisited,
)
_ONE_DAY = timedelta(days=1)
_NO_FLOORS: dict[tuple[int, str], Floor] = {}


class Item(NamedTuple):
    """One claim on its way through a transaction."""

    desk: Desk
    event: Event
    claim: Claim


class Presence(NamedTuple):
    """A roll-call's word on a child that it does not name."""

    desk: Desk
    event: Event
    taken: RollCall
    linkage_id: str


class Careful(NamedTuple):
    """The record behind a fact that a floor may hide."""

    partition: int
    event: Event
    day: date


class Arrivals:
    """Applies the records about children of one poll."""

    def __init__(self, store: RegistryStore, minter: Minter, index: Index, effects: Effects) -> None:
        self._store = store
        self._minter = minter
        self._index = index
        self._effects = effects
        self._found: list[Item] = []
        self._parked: list[Item] = []
        self._pending: list[tuple[Desk, Event, Draft]] = []
        self._taken: list[tuple[Desk, Event, RollCall]] = []

    async def apply(self, desks: Sequence[Desk]) -> None:
        """Apply the lanes' records. Facts of one child may leave in another order than they came in."""
        for desk in desks:
            self._read(desk)
        if self._pending:
            await self._resolve()
        await self._keep_newest_visits()
        await self._learn()
        await self._publish(self._present())
        self._effects.after_commit += [desk.remember for desk in desks]

    # --- reading ---

    def _read(self, desk: Desk) -> None:
        for event in desk.lane.events:
            body = event.body
            if isinstance(body, _ONE_CHILD):
                self._one(desk, event, ledger.draft(event, self._minter))
            elif isinstance(body, records.RollCallTaken):
                self._roll_call(desk, event, body)

    def _one(self, desk: Desk, event: Event, draft: Draft) -> None:
        source_id = draft.ref.source_id
        known = desk.link(event.meta.source, source_id) if source_id is not None else None
        if known is None:
            self._pending.append((desk, event, draft))
            return
        claim = draft.claim
        claim.via, claim.linkage_id = Via.source, known.linkage_id
        if claim.kind is Kind.visit:
            claim.keys = Keys(known.pupil_key)
        else:
            claim.anchor = known.pupil_key
        self._found.append(Item(desk, event, claim))

    def _roll_call(self, desk: Desk, event: Event, body: records.RollCallTaken) -> None:
        taken = rollcall.roll_call(body, stamp_of(event))
        drafts = ledger.exceptions(event, body, taken.class_id)
        if any(self._nameless(each, event.meta.source) for each in drafts):
            # Applied without it, the one child who was missed would count as present.
            self._effects.refuse(desk.partition, event, Refusal.schema)
            return
        self._taken.append((desk, event, taken))
        for draft in drafts:
            self._one(desk, event, draft)

    def _nameless(self, draft: Draft, source: str) -> bool:
        ref = draft.ref
        return ref.source_id is None and self._index.keys(ref, source, draft.place).anchor is None

    # --- finding children ---

    async def _resolve(self) -> None:
        for _, event, draft in self._pending:
            keys = self._index.keys(draft.ref, event.meta.source, draft.place)
            draft.claim.keys = keys
            if draft.claim.kind is not Kind.visit:
                draft.claim.anchor = keys.anchor or b""
        named = [each for each in self._pending if each[2].claim.keys.anchor is not None]
        known = await self._store.lookup([draft.claim.keys for _, _, draft in named])
        waiting: set[int] = set()
        for desk, event, draft in self._pending:
            if draft.claim.keys.anchor is None:
                self._effects.refuse(desk.partition, event, Refusal.schema)
                continue
            answer = resolve(draft.claim.keys, draft.claim.day, known)
            self._settle(desk, event, draft, answer, waiting)

    def _settle(self, desk: Desk, event: Event, draft: Draft, answer: Resolution, waiting: set[int]) -> None:
        claim = draft.claim
        claim.via, claim.linkage_id = answer.via, answer.linkage_id
        item = Item(desk, event, claim)
        if answer.erased:
            if not isinstance(event.body, records.RollCallTaken):
                self._effects.erased[desk.partition] += 1
        elif answer.linkage_id is None:
            self._parked.append(item)
            if id(event) not in waiting:
                waiting.add(id(event))
                self._effects.waiting[desk.partition] += 1
        else:
            self._found.append(item)
            if claim.via is Via.source and draft.ref.source_id is not None and claim.keys.source is not None:
                name = (event.meta.source, draft.ref.source_id)
                desk.learned.links[name] = Known(claim.keys.source, answer.linkage_id)

    async def _keep_newest_visits(self) -> None:
        """Of each visit only the newest version counts, whomever the older ones meant."""
        visits = [item for item in self._found + self._parked if item.claim.kind is Kind.visit]
        if not visits:
            return
        stored = await self._store.claims_at({item.claim.anchor for item in visits})
        newest: dict[bytes, Claim] = {}
        for claim in [*stored, *(item.claim for item in visits)]:
            if claim.anchor not in newest or claim.stamp > newest[claim.anchor].stamp:
                newest[claim.anchor] = claim
        await self._store.drop_claims([claim for claim in stored if newest[claim.anchor] is not claim])
        older = {id(item.claim) for item in visits if newest[item.claim.anchor] is not item.claim}
        for item in visits:
            if id(item.claim) in older:
                self._effects.stale[item.desk.partition] += 1
                self._effects.waiting[item.desk.partition] -= item.claim.via is Via.waiting
        self._found = [item for item in self._found if id(item.claim) not in older]
        self._parked = [item for item in self._parked if id(item.claim) not in older]

    async def _learn(self) -> None:
        """Load what publishing needs and no cache has: rosters, then children."""
        rooms = [(desk, taken.class_id) for desk, _, taken in self._taken]
        missing = {room for desk, room in rooms if desk.roster(room) is None}
        if missing:
            rosters = await self._store.rosters(missing)
            for desk, room in rooms:
                if desk.roster(room) is None:
                    desk.learned.rosters[room] = rosters[room]
        wanted = {(id(desk), child): desk for desk, child in self._mentioned() if desk.child(child) is None}
        if wanted:
            children = await self._children({child for _, child in wanted})
            for (_, child), desk in wanted.items():
                desk.learned.children[child] = children[child]

    def _mentioned(self) -> Iterable[tuple[Desk, str]]:
        for desk, _, claim in self._found:
            if claim.linkage_id is not None:
                yield desk, claim.linkage_id
        for desk, _, taken in self._taken:
            for seat in desk.roster(taken.class_id) or ():
                yield desk, seat.linkage_id

    async def _children(self, linkage_ids: set[str]) -> dict[str, ChildFacts]:
        enrolments = await self._store.enrolments_of(linkage_ids)
        floors: dict[str, dict[tuple[int, str], Floor]] = {}
        for (linkage_id, kind, natural_key), floor in (await self._store.floors(linkage_ids)).items():
            floors.setdefault(linkage_id, {})[kind, natural_key] = floor
        return {
            linkage_id: ChildFacts(tuple(enrolments[linkage_id]), floors.get(linkage_id, _NO_FLOORS))
            for linkage_id in linkage_ids
        }

    # --- publishing ---

    def _present(self) -> list[Presence]:
        named: dict[int, set[str]] = {}
        for _, event, claim in self._found:
            if isinstance(event.body, records.RollCallTaken) and claim.linkage_id is not None:
                named.setdefault(id(event), set()).add(claim.linkage_id)
        return [
            Presence(desk, event, taken, linkage_id)
            for desk, event, taken in self._taken
            for linkage_id in rollcall.present(
                desk.roster(taken.class_id) or (), taken.day, named.get(id(event), set())
            )
        ]

    async def _publish(self, present: Sequence[Presence]) -> None:
        careful: dict[Key, Careful] = {}
        usual = [
            (desk, event, claim)
            for desk, event, claim in self._found
            if not _below_floor(desk, event, _key(claim), claim.stamp, claim.day, careful)
        ]
        presences = [
            each
            for each in present
            if not _below_floor(
                each.desk, each.event, _present_key(each), each.taken.stamp, each.taken.day, careful
            )
        ]
        before = await self._before(careful) if careful else None
        if self._found or self._parked:
            await self._store.save_claims([item.claim for item in self._found + self._parked])
        if self._taken:
            await self._store.save_roll_calls([taken for _, _, taken in self._taken])
        for desk, event, claim in usual:
            self._say(desk, event, claim)
        for each in presences:
            body = (facts.present(each.linkage_id, each.taken),)
            sequence = facts.rank(each.event.meta.sequence, False)
            self._emit(each.desk, each.event, each.linkage_id, body, sequence)
        if before is not None:
            await self._publish_careful(careful, *before)
        self._count(presences)

    def _say(self, desk: Desk, event: Event, claim: Claim) -> None:
        linkage_id = claim.linkage_id
        assert linkage_id is not None
        child = desk.child(linkage_id)
        assert child is not None
        bodies, sequence = facts.of_claim(linkage_id, claim, child.enrolments)
        self._emit(desk, event, linkage_id, bodies, sequence)

    def _emit(self, desk: Desk, event: Event, linkage_id: str, bodies: Bodies, sequence: int) -> None:
        out = self._effects.outgoing.setdefault(desk.partition, [])
        out += publishing.natural(event, linkage_id, bodies, sequence, self._minter)

    async def _before(self, careful: dict[Key, Careful]) -> tuple[View, Floors]:
        floors = await self._store.floors({key[0] for key in careful}, lock=True)
        return await self._view(careful), floors

    async def _view(self, careful: dict[Key, Careful]) -> View:
        scopes = sorted({Scope(key[0], each.day, each.day + _ONE_DAY) for key, each in careful.items()})
        view = await load_view(self._store, self._minter, scopes, days_only=True)
        return {key: stand for key, stand in view.items() if key in careful}

    async def _publish_careful(self, careful: dict[Key, Careful], old: View, floors: Floors) -> None:
        found = changes(old, await self._view(careful), floors)
        for each in found.publications:
            cause = careful[each.key]
            for outgoing in publishing.published(each, cause.event, self._minter):
                self._effects.emit(cause.partition, outgoing)
        if found.floors:
            await self._store.save_floors(found.floors)
            await self._store.next_generation()
            forced = len(found.floors)
            self._effects.after_commit.append(lambda: metrics.FORCED.inc(forced))

    def _count(self, presences: Sequence[Presence]) -> None:
        found = Counter(item.claim.via.name for item in self._found + self._parked)
        found["roll_call"] = len(presences)

        def count() -> None:
            for via, number in found.items():
                metrics.RESOLVED.labels(via).inc(number)

        self._effects.after_commit.append(count)


def _below_floor(
    desk: Desk, event: Event, key: Key, stamp: Stamp, day: date, careful: dict[Key, Careful]
) -> bool:
    """Whether a fact's own version may be too old to be heard; noted in ``careful`` if so."""
    child = desk.child(key[0])
    if child is None or not child.floors:
        return False
    floor = child.floors.get(key[1:])
    if floor is None or not floor.reaches(stamp.recorded_at, facts.rank(stamp.sequence, True)):
        return False
    careful[key] = Careful(desk.partition, event, day)
    return True


def _key(claim: Claim) -> Key:
    assert claim.linkage_id is not None
    return claim.linkage_id, int(claim.kind), claim.natural_key


def _present_key(each: Presence) -> Key:
    return each.linkage_id, int(Kind.day), each.taken.day.isoformat()
