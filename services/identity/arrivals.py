"""Records about children: find the child, publish the fact, keep the claim. The hot path.

A fact is published with its record's own version at once, but for those that a floor may hide (``floored``).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from contracts import records
from contracts.codes import Refusal
from contracts.envelope import Event
from contracts.records import PupilRef
from services.identity import facts, ledger, metrics, publishing, rollcall
from services.identity.cache import ChildFacts, Desk, Known
from services.identity.facts import Bodies
from services.identity.floored import Cause, Floored
from services.identity.ledger import Claim, Draft, Kind, OneChild, Via, stamp_of
from services.identity.minting import Minter
from services.identity.references import Index, Keys
from services.identity.registry import may_speak
from services.identity.rollcall import RollCall
from services.identity.store_registry import RegistryStore
from services.identity.views import Floor
from services.identity.waiting import Resolution, resolve
from services.kit.lanes import Effects

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


class Arrivals:
    """Applies the records about children of one poll."""

    def __init__(self, store: RegistryStore, minter: Minter, index: Index, effects: Effects) -> None:
        self._store = store
        self._minter = minter
        self._index = index
        self._effects = effects
        self._floored = Floored(store, minter, effects)
        self._found: list[Item] = []
        self._parked: list[Item] = []
        self._pending: list[tuple[Desk, Event, Draft]] = []
        self._taken: list[tuple[Desk, Event, RollCall]] = []
        self._counted: set[int] = set()  # events that wait or were refused: each is counted once
        self._replaced: list[Claim] = []

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
            if isinstance(body, OneChild):
                claim = ledger.claim(event, self._minter)
                if not self._by_source(desk, event, claim, body.pupil):
                    self._pending.append((desk, event, Draft(claim, body.pupil, ledger.place(body))))
            elif isinstance(body, records.RollCallTaken):
                self._roll_call(desk, event, body)

    def _by_source(self, desk: Desk, event: Event, claim: Claim, ref: PupilRef) -> bool:
        """Whether the lane knows the child by its source's own number; then the claim is found."""
        if ref.source_id is None or (known := desk.link(event.meta.source, ref.source_id)) is None:
            return False
        claim.via, claim.linkage_id = Via.source, known.linkage_id
        if claim.kind is Kind.visit:
            claim.keys = Keys(known.pupil_key)
        else:
            claim.anchor = known.pupil_key
        self._found.append(Item(desk, event, claim))
        return True

    def _roll_call(self, desk: Desk, event: Event, body: records.RollCallTaken) -> None:
        taken = rollcall.roll_call(body, stamp_of(event))
        drafts = ledger.exceptions(event, body, taken.class_id)
        if any(self._nameless(each, event.meta.source) for each in drafts):
            # Applied without it, the one child who was missed would count as present.
            self._effects.refuse(desk.partition, event, Refusal.schema)
            return
        self._taken.append((desk, event, taken))
        for draft in drafts:
            if not self._by_source(desk, event, draft.claim, draft.ref):
                self._pending.append((desk, event, draft))

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
        for desk, event, draft in self._pending:
            if draft.claim.keys.anchor is None:
                self._effects.refuse(desk.partition, event, Refusal.schema)
                continue
            answer = resolve(draft.claim.keys, draft.claim.day, known)
            self._settle(desk, event, draft, answer)

    def _settle(self, desk: Desk, event: Event, draft: Draft, answer: Resolution) -> None:
        claim = draft.claim
        claim.via, claim.linkage_id = answer.via, answer.linkage_id
        item = Item(desk, event, claim)
        if answer.erased:
            if not isinstance(event.body, records.RollCallTaken):
                self._effects.erased[desk.partition] += 1
        elif answer.linkage_id is None:
            self._parked.append(item)
            if id(event) not in self._counted:
                self._counted.add(id(event))
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
        stored = await self._store.visits_at({item.claim.anchor for item in visits})
        newest: dict[bytes, Claim] = {}
        for claim in [*stored, *(item.claim for item in visits)]:
            if claim.anchor not in newest or claim.stamp > newest[claim.anchor].stamp:
                newest[claim.anchor] = claim
        before: dict[bytes, list[Claim]] = {}
        for claim in stored:
            before.setdefault(claim.anchor, []).append(claim)
        older = {id(item.claim) for item in visits if newest[item.claim.anchor] is not item.claim}
        for item in visits:
            if id(item.claim) in older:
                self._effects.stale[item.desk.partition] += 1
                self._effects.waiting[item.desk.partition] -= item.claim.via is Via.waiting
            else:
                self._replace(before.get(item.claim.anchor, []), item)
        self._found = [item for item in self._found if id(item.claim) not in older]
        self._parked = [item for item in self._parked if id(item.claim) not in older]

    def _replace(self, before: Sequence[Claim], item: Item) -> None:
        """A newer version of a visit: what was told of the child of an older one is taken back."""
        self._replaced += before
        for claim in [*before, item.claim] if before else ():
            if claim.linkage_id is not None:
                key = claim.linkage_id, int(Kind.visit), claim.natural_key
                self._floored.replaces(key, Cause(item.desk.partition, item.event, claim.day))

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
        usual = [(item, child) for item in self._found if (child := self._heard(item)) is not None]
        presences = [each for each in present if self._is_heard(each)]
        await self._floored.look()
        if self._replaced:
            await self._store.drop_claims(self._replaced)
        if self._found or self._parked:
            await self._store.save_claims([item.claim for item in self._found + self._parked])
        if self._taken:
            await self._store.save_roll_calls([taken for _, _, taken in self._taken])
        for item, child in usual:
            self._say(item, child)
        for each in presences:
            body = (facts.present(each.linkage_id, each.taken),)
            sequence = facts.rank(each.event.meta.sequence, False)
            self._emit(each.desk, each.event, each.linkage_id, body, sequence)
        await self._floored.tell()
        self._count(presences)

    def _heard(self, item: Item) -> ChildFacts | None:
        """What is known of a claim's child, unless the sender may not speak of it, or not in this version."""
        desk, event, claim = item
        assert claim.linkage_id is not None
        child = desk.child(claim.linkage_id)
        assert child is not None
        if claim.within and not may_speak(claim.within, child.enrolments, claim.day):
            self._refuse_foreign(desk, event)
            return None
        if child.floors or claim.kind is Kind.visit:
            key = claim.linkage_id, int(claim.kind), claim.natural_key
            cause = Cause(desk.partition, event, claim.day)
            if self._floored.takes(child, key, claim.stamp, cause):
                return None
        return child

    def _refuse_foreign(self, desk: Desk, event: Event) -> None:
        """A child of another school: nothing is said, but the claim is kept, for the enrolment may be to come."""
        if id(event) not in self._counted:
            self._counted.add(id(event))
            self._effects.refuse(desk.partition, event, Refusal.forbidden_school)

    def _is_heard(self, each: Presence) -> bool:
        child, day = each.desk.child(each.linkage_id), each.taken.day
        if child is None or not child.floors:
            return True
        key = each.linkage_id, int(Kind.day), day.isoformat()
        cause = Cause(each.desk.partition, each.event, day)
        return not self._floored.takes(child, key, each.taken.stamp, cause)

    def _say(self, item: Item, child: ChildFacts) -> None:
        desk, event, claim = item
        linkage_id = claim.linkage_id
        assert linkage_id is not None
        bodies, sequence = facts.of_claim(linkage_id, claim, child.enrolments)
        self._emit(desk, event, linkage_id, bodies, sequence)

    def _emit(self, desk: Desk, event: Event, linkage_id: str, bodies: Bodies, sequence: int) -> None:
        out = self._effects.outgoing.setdefault(desk.partition, [])
        out += publishing.natural(event, linkage_id, bodies, sequence, self._minter)

    def _count(self, presences: Sequence[Presence]) -> None:
        ways = Counter([item.claim.via for item in self._found + self._parked])
        found = {via.name: number for via, number in ways.items()} | {"roll_call": len(presences)}

        def count() -> None:
            for via, number in found.items():
                metrics.RESOLVED.labels(via).inc(number)

        self._effects.after_commit.append(count)
