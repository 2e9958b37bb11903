"""What should be known beyond identity, as a pure function of what identity knows; and its changes.

A view maps natural keys to the winning fact. When links or enrolments change, the view before and
the view after are compared: natural versions are published as they are; where the new winner is
older than what went out already, it is published with the next sequence after that (the *floor*),
because receivers keep the latest version. So the last word beyond identity is always the view.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from contracts.codes import SchoolKind
from contracts.envelope import Meta
from contracts.registry import BY_BODY
from contracts.versions import mark_version
from services.identity import facts
from services.identity.facts import Bodies
from services.identity.ledger import Claim, Kind
from services.identity.minting import Minter
from services.identity.registry import Enrolment, Registration, may_speak
from services.identity.rollcall import RollCall

#: linkage ID, kind, natural key.
Key = tuple[str, int, str]
_MAX_SEQUENCE = 63


class Floor(NamedTuple):
    """The greatest (recorded time, sequence) that was ever published for a natural key, where not natural."""

    recorded_at: datetime
    sequence: int

    def after(self) -> "Floor":
        """The next version."""
        if self.sequence < _MAX_SEQUENCE:
            return Floor(self.recorded_at, self.sequence + 1)
        return Floor(self.recorded_at + timedelta(seconds=1), 0)

    def reaches(self, recorded_at: datetime, sequence: int) -> bool:
        """Whether a fact of that version would not be taken as newer. Receivers compare whole seconds."""
        return (int(recorded_at.timestamp()), sequence) <= (int(self.recorded_at.timestamp()), self.sequence)


class Stand(NamedTuple):
    """The winning fact of a natural key. ``order`` is its version beyond identity, ``id`` its event's id."""

    order: int
    id: str
    recorded_at: datetime
    sequence: int
    input_id: str
    bodies: Bodies


View = dict[Key, Stand]
Floors = dict[Key, Floor]


class Child(NamedTuple):
    """Everything known of one child in [lo, hi)."""

    linkage_id: str
    lo: date
    hi: date
    enrolments: Sequence[Enrolment] = ()
    claims: Sequence[Claim] = ()
    registrations: Sequence[Registration] = ()


class Publication(NamedTuple):
    """A fact to publish. ``forced`` where the version is not the record's own."""

    key: Key
    stand: Stand
    forced: bool


class Changes(NamedTuple):
    """The difference of two views: what to publish and which floors to keep."""

    publications: list[Publication]
    floors: Floors


class Viewer:
    """Builds views. Holds what all children share: ids, kinds of schools, roll-calls by class."""

    def __init__(
        self,
        minter: Minter,
        kinds: Mapping[str, SchoolKind],
        roll_calls: Mapping[str, Sequence[RollCall]],
    ) -> None:
        self._minter = minter
        self._kinds = kinds
        self._roll_calls = roll_calls

    def view(self, child: Child, days_only: bool = False) -> View:
        """The facts that should be known of a child: of its days, and unless ``days_only`` of its registry."""
        found = self._claims(child)
        for key, stand in self._presences(child):
            _keep(found, key, stand)
        if not days_only:
            for each in child.enrolments:
                fact, sequence = facts.enrolment_set(child.linkage_id, each, self._kinds.get(each.school))
                key = (child.linkage_id, Kind.enrolment, each.enrolment_id)
                found[key] = self._stand(each.stamp.recorded_at, sequence, each.stamp.event_id, (fact,), key)
            if child.registrations:
                found |= self._profile(child)
        return found

    def _claims(self, child: Child) -> View:
        found: View = {}
        for claim in child.claims:
            if not may_speak(claim.within, child.enrolments, claim.day):
                continue
            bodies, sequence = facts.of_claim(child.linkage_id, claim, child.enrolments)
            key = (child.linkage_id, int(claim.kind), claim.natural_key)
            stamp = claim.stamp
            _keep(found, key, self._stand(stamp.recorded_at, sequence, stamp.event_id, bodies, key))
        return found

    def _presences(self, child: Child) -> Iterable[tuple[Key, Stand]]:
        for each in child.enrolments:
            lo, hi = max(child.lo, each.valid_from), min(child.hi, each.valid_to)
            for taken in self._roll_calls.get(each.class_id, ()):
                if lo <= taken.day < hi:
                    yield self._presence(child, taken)

    def _presence(self, child: Child, taken: RollCall) -> tuple[Key, Stand]:
        fact = facts.present(child.linkage_id, taken)
        key = (child.linkage_id, Kind.day, taken.day.isoformat())
        stamp, sequence = taken.stamp, facts.rank(taken.stamp.sequence, False)
        return key, self._stand(stamp.recorded_at, sequence, stamp.event_id, (fact,), key)

    def _profile(self, child: Child) -> View:
        newest = max(each.stamp for each in child.registrations)
        key = (child.linkage_id, Kind.profile, "")
        body = facts.profile(child.linkage_id, child.registrations)
        sequence = facts.rank(newest.sequence, True)
        return {key: self._stand(newest.recorded_at, sequence, newest.event_id, (body,), key)}

    def _stand(self, recorded_at: datetime, sequence: int, input_id: str, bodies: Bodies, key: Key) -> Stand:
        kind = BY_BODY[type(bodies[0])].name
        name = self._minter.event(input_id, kind, key[0])
        order = mark_version(Meta(name, "", kind, recorded_at, recorded_at, sequence=sequence))
        return Stand(order, name, recorded_at, sequence, input_id, bodies)


def _keep(view: View, key: Key, stand: Stand) -> None:
    standing = view.get(key)
    if standing is None or stand.order > standing.order:
        view[key] = stand


def changes(old: View, new: View, floors: Floors) -> Changes:
    """What must be published so that receivers, who hold ``old`` or the floors, come to hold ``new``."""
    found = Changes([], {})
    for key in sorted(old.keys() | new.keys()):
        _settle(key, old.get(key), new.get(key), floors.get(key), found)
    return found


def _settle(key: Key, old: Stand | None, new: Stand | None, floor: Floor | None, found: Changes) -> None:
    top = _top(old, floor)
    if new is None:
        if old is not None and top is not None:
            _force(key, _taken_back(old), top, found)
        return
    same = old is not None and old.bodies == new.bodies
    if old is not None and same and old.order == new.order:
        return
    newer = floor is None and old is not None and _newer(old, new)
    if newer or top is None or not top.reaches(new.recorded_at, new.sequence):
        found.publications.append(Publication(key, new, False))
    elif same:
        found.floors[key] = top
    else:
        _force(key, new, top, found)


def _newer(old: Stand, new: Stand) -> bool:
    """Whether its own version is enough. Facts that are told in two events have two ids: these decide nothing."""
    return new.order > old.order and len(old.bodies) == len(new.bodies) == 1


def _top(old: Stand | None, floor: Floor | None) -> Floor | None:
    if old is None:
        return floor
    standing = Floor(old.recorded_at, old.sequence)
    return standing if floor is None or not floor.reaches(*standing) else floor


def _taken_back(old: Stand) -> Stand | None:
    bodies = tuple(body for fact in old.bodies if (body := facts.withdrawn(fact)) is not None)
    return old._replace(bodies=bodies) if bodies else None


def _force(key: Key, stand: Stand | None, top: Floor, found: Changes) -> None:
    if stand is None:
        return
    version = top.after()
    forced = stand._replace(recorded_at=version.recorded_at, sequence=version.sequence)
    found.publications.append(Publication(key, forced, True))
    found.floors[key] = version


def grouped(roll_calls: Iterable[RollCall]) -> dict[str, list[RollCall]]:
    """Roll-calls by class."""
    found: defaultdict[str, list[RollCall]] = defaultdict(list)
    for each in roll_calls:
        found[each.class_id].append(each)
    return found
