"""Good items from bad ones: each item of a request passes or is refused on its own. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from contracts import records
from contracts.envelope import Event, Meta
from services.ingest.blind import event_id, lane_key, told_id
from services.ingest.dates import Window
from services.ingest.envelopes import Envelope, Item
from services.ingest.refusals import WORDS, Kind, Unfit
from services.ingest.shapes import mentions, names_pupils
from services.ingest.validate import Draft, Grant, Schools, draft, judge
from services.ingest.ways import RECORDS
from services.kit.lanes import Outgoing

Drafts = list[tuple[int, Draft]]


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused item: its place, the id under which its source may know it, and why."""

    index: int
    unfit: Unfit
    event_id: str = ""
    size_bytes: int = 0

    def told(self) -> dict[str, str | int]:
        """What the caller is told; never a value of the record."""
        words = WORDS[self.unfit.kind]
        return {
            "index": self.index,
            **({"id": self.event_id} if self.event_id else {}),
            "code": words.code.value,
            "kind": self.unfit.kind.value,
            "pointer": self.unfit.pointer,
            "reason_ja": words.reason_ja,
            "reason_en": words.reason_en,
            "mend_ja": words.mend_ja,
            "mend_en": words.mend_en,
        }


def drafts(items: Sequence[Item], source: str) -> tuple[Drafts, list[Refused]]:
    """Decode every item by the schema of its type."""
    found: Drafts = []
    refused: list[Refused] = []
    for item in items:
        if isinstance(item.content, Unfit):
            refused.append(Refused(item.index, item.content))
            continue
        try:
            found.append((item.index, draft(item.content)))
        except Unfit as unfit:
            refused.append(_refusal(item.index, unfit, source, item.content))
    return found, refused


def mentioned(found: Drafts) -> set[str]:
    """Every school that these records speak of."""
    return {school for _, each in found for school in mentions(each.body)}


def registered(found: Iterable[Draft]) -> set[str]:
    """Schools that these records register."""
    return {each.body.school for each in found if isinstance(each.body, records.SchoolRegistered)}


def _refusal(index: int, unfit: Unfit, source: str, envelope: Envelope) -> Refused:
    return Refused(index, unfit, told_id(source, envelope.id), len(bytes(envelope.data)))


class Seen:
    """Finds two different records under one (source, id), among those that come together."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], Draft] = {}

    def check(self, each: Draft) -> None:
        """Raises Unfit when the pair stood for something else before."""
        first = self._first.setdefault((each.envelope.source, each.envelope.id), each)
        if first is not each and first.body != each.body:
            raise Unfit(Kind.same_id, "/id")


def sift(found: Drafts, grant: Grant, known: Schools, window: Window) -> tuple[list[Draft], list[Refused]]:
    """Which records may pass, in their order; schools registered here count as known."""
    schools = known | registered(each for _, each in found if grant.allows(each.envelope.type))
    seen = Seen()
    passed: list[Draft] = []
    refused: list[Refused] = []
    for index, each in found:
        try:
            judge(each, grant, schools, window)
            seen.check(each)
            passed.append(each)
        except Unfit as unfit:
            refused.append(_refusal(index, unfit, grant.source, each.envelope))
    return passed, refused


def outgoing(each: Draft, grant: Grant, key: bytes, now: datetime, traceparent: str) -> Outgoing:
    """The record as it goes to the bus: blind key, derived id, a new trace, accepted at ``now``.

    Whether the child that it names belongs to a school of the grant is for identity to see: it alone knows who is
    meant, so the limit travels with the record.
    """
    envelope, source = each.envelope, grant.source
    name = event_id(key, source, envelope.source, envelope.id)
    lane = lane_key(key, source, each.body)
    meta = Meta(
        name,
        source,
        envelope.type,
        each.time,
        each.recorded_at,
        lane,
        each.sequence,
        traceparent,
        now,
    )
    cause = Event(meta, each.body)
    return Outgoing(
        RECORDS,
        each.body,
        name,
        lane,
        lane,
        cause,
        None,
        each.sequence,
        everywhere=not lane,
        source=source,
        school_only=grant.schools is not None and names_pupils(each.body),
    )
