"""The input of a run, drawn from a seed, and the truth about it: what the chain must say in the end.

Marks with corrections, a twentieth repeated, a twentieth late, some children registered before and some
after their marks, bad records of every kind, none of them ten in a row.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from contracts.envelope import Meta, to_headers
from contracts.registry import encode
from contracts.versions import mark_version
from kizashi.chaos.toy import language
from kizashi.chaos.toy.fold import THRESHOLD
from kizashi.chaos.toy.language import PARTITIONS, ChaosMarked, ChaosRegistered
from kizashi.chaos.toy.windows import window_of
from services.kit.batcher import Message
from services.kit.ids import derived_id
from services.kit.partitioner import partition_of

START = datetime(2025, 4, 8, tzinfo=UTC)
#: Stands in the body of bad records; it may be found in no log.
CANARY = "CANARY-7f3e"
DAYS = 30


@dataclass(frozen=True)
class Fact:
    """One good record: what it says, and its place among facts of the same day."""

    body: ChaosMarked | ChaosRegistered
    meta: Meta


@dataclass
class Story:
    """Facts in the order in which they are sent, and bad records among them by index."""

    seed: int
    facts: list[Fact]
    poison: dict[int, str] = field(default_factory=dict)

    @property
    def expected(self) -> str:
        """The convergent state in the form of :func:`kizashi.chaos.toy.dump.convergent`."""
        marks: dict[str, dict[int, tuple[int, int]]] = {}
        linkages: dict[str, str] = {}
        for fact in self.facts:
            body = fact.body
            if isinstance(body, ChaosRegistered):
                linkages[body.child] = body.linkage
            else:
                days = marks.setdefault(body.child, {})
                days[body.day] = max(days.get(body.day, (0, 0)), (mark_version(fact.meta), body.value))
        windows = sorted(
            (window_of(linkages[child], days) for child, days in marks.items()), key=lambda w: w.linkage
        )
        lines = [f"link {child} {linkage}" for child, linkage in sorted(linkages.items())]
        lines += [f"window {w.linkage} {w.total} {w.days}" for w in windows]
        lines += [f"fold {w.linkage} {w.total} {w.days}" for w in windows]
        lines += [f"standing {w.linkage}" for w in windows if w.total >= THRESHOLD]
        return "\n".join(lines)


def draw(seed: int, events: int, poison_share: float = 0.01) -> Story:
    """A story of about ``events`` records."""
    lot = random.Random(seed)
    children = [derived_id("chaos-child", str(seed), str(n)) for n in range(max(events // 15, 8))]
    facts = [_registration(lot, child) for child in children]
    while len(facts) < events * 0.95:
        facts.append(_mark(lot, lot.choice(children), len(facts)))
    facts = _disordered(lot, facts)
    for fact in lot.sample(facts, len(facts) // 20):
        facts.insert(lot.randrange(len(facts)), fact)
    indices = lot.sample(range(len(facts)), int(len(facts) * poison_share))
    kinds = sorted(POISON)
    return Story(seed, facts, {index: kinds[n % len(kinds)] for n, index in enumerate(sorted(indices))})


def _registration(lot: random.Random, child: str) -> Fact:
    return _fact(ChaosRegistered(child, derived_id("chaos-linkage", child)), 0, child, lot.randrange(40))


def _mark(lot: random.Random, child: str, number: int) -> Fact:
    day = lot.randrange(DAYS)
    late = timedelta(days=day, minutes=number)
    value = int(lot.random() < 0.35)
    return _fact(ChaosMarked(child, day, value), number, child, 0, late)


def _fact(
    body: ChaosMarked | ChaosRegistered,
    number: int,
    child: str,
    sequence: int,
    after: timedelta = timedelta(0),
) -> Fact:
    type_ = "chaos-marked" if isinstance(body, ChaosMarked) else "chaos-registered"
    recorded_at = START + after
    return Fact(
        body,
        Meta(
            id=derived_id("chaos", child, type_, str(number)),
            source="kizashi/chaos",
            type=type_,
            time=recorded_at,
            recorded_at=recorded_at,
            subject=child,
            sequence=sequence % 60,
        ),
    )


def _disordered(lot: random.Random, facts: list[Fact]) -> list[Fact]:
    """In order of recorded time, registrations anywhere, a twentieth far from its place."""

    def place(fact: Fact) -> float:
        if isinstance(fact.body, ChaosRegistered) or lot.random() < 0.05:
            return lot.uniform(0, DAYS)
        return fact.body.day + lot.random()

    return sorted(facts, key=place)


def _body(value: bytes) -> Message:
    return Message("", 0, None, value, to_headers(_fact(ChaosMarked("-", 0, 0), 0, "-", 0).meta))


def _header(name: str, value: bytes) -> Message:
    good = _body(encode(ChaosMarked("-", 0, 0)))
    return good._replace(headers=[*((n, v) for n, v in good.headers if n != name), (name, value)])


#: Bad records by kind, as their sender would write them.
POISON: dict[str, Message] = {
    "cut off": _body(b'{"child": "' + CANARY.encode()),
    "not a header": _header("ce_type", b"\xff\xfe" + CANARY.encode()),
    "no body": _body(b""),
    "unknown field": _body(b'{"child":"c","day":1,"value":1,"name":"' + CANARY.encode() + b'"}'),
    "unknown type": _header("ce_type", b"pupil-erased-by-force"),
    "large": _body(b'{"child":"' + CANARY.encode() * 60_000),
    "reply wanted": _body(b"[]")._replace(
        headers=[*_header("ce_type", b"nothing").headers, ("reply_to", b"stolen")]
    ),
    "not utf-8": _body(b'{"child":"\xe9","day":1,"value":1}'),
}


def message(run: str, fact: Fact) -> Message:
    """A fact on the wire. Registrations go by another key, so that another lane, and often another member, has them."""
    body = fact.body
    key = body.child if isinstance(body, ChaosMarked) else f"registry-{body.child}"
    meta = fact.meta
    return Message(
        language.records(run),
        partition_of(key, PARTITIONS),
        key.encode(),
        encode(body),
        to_headers(meta),
    )


def bad(run: str, kind: str, partition: int) -> Message:
    """A bad record of one kind."""
    return POISON[kind]._replace(topic=language.records(run), partition=partition)


def messages(run: str, story: Story, facts: Sequence[Fact] | None = None) -> list[Message]:
    """The whole story on the wire, or only ``facts`` of it (without bad records)."""
    if facts is not None:
        return [message(run, fact) for fact in facts]
    wire: list[Message] = []
    for index, fact in enumerate(story.facts):
        if index in story.poison:
            wire.append(bad(run, story.poison[index], index % PARTITIONS))
        wire.append(message(run, fact))
    return wire
